//! The PROXY protocol, versions 1 and 2 (haproxy's `proxy-protocol.txt`): how a front end says, before anything else on
//! a connection, for whom it has opened it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt};

/// How version 2 begins. The first line of version 1 is never shorter.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// How version 1 begins.
const WORD: &[u8] = b"PROXY ";
/// The longest line of version 1, with its end.
const LINE: usize = 107;
/// How much may follow the head of version 2: addresses, and notes that we pass over.
const NOTES: usize = 4096;

/// Reads the header, and not a byte of what follows. `None` where it names nobody: a front end that looks whether we
/// are alive.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let mut start = [0; SIGNATURE.len()];
    stream.read_exact(&mut start).await?;
    if start == SIGNATURE {
        return version_2(stream).await;
    }
    if !start.starts_with(WORD) {
        return Err(wrong("no PROXY header"));
    }
    let mut line = start.to_vec();
    // Byte by byte, for what follows is not ours.
    while !line.ends_with(b"\r\n") {
        if line.len() >= LINE {
            return Err(wrong("a PROXY line without an end"));
        }
        line.push(stream.read_u8().await?);
    }
    let line = str::from_utf8(&line).map_err(|_| wrong("a PROXY line that is no text"))?;
    version_1(line.trim_end())
}

/// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`
fn version_1(line: &str) -> io::Result<Option<IpAddr>> {
    let mut words = line.split(' ').skip(1);
    let (family, source) = (words.next(), words.next());
    let source = || source.ok_or_else(|| wrong("a PROXY line without an address"));
    let bad = |_| wrong("a PROXY line with a wrong address");
    match family {
        Some("UNKNOWN") => Ok(None),
        Some("TCP4") => Ok(Some(source()?.parse::<Ipv4Addr>().map_err(bad)?.into())),
        Some("TCP6") => Ok(Some(source()?.parse::<Ipv6Addr>().map_err(bad)?.into())),
        _ => Err(wrong("a PROXY line of an unknown family")),
    }
}

async fn version_2(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let [command, family, high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > NOTES {
        return Err(wrong("a PROXY header that is too long"));
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    match (command, family) {
        // A connection of the front end's own.
        (0x20, _) => Ok(None),
        (0x21, 0x11) => Ok(Some(first::<4>(&rest)?.into())),
        (0x21, 0x21) => Ok(Some(IpAddr::from(first::<16>(&rest)?).to_canonical())),
        // Unix sockets and the like.
        (0x21, _) => Ok(None),
        _ => Err(wrong("a PROXY header of an unknown version")),
    }
}

/// The first address of the two.
fn first<const N: usize>(rest: &[u8]) -> io::Result<[u8; N]> {
    let address = rest.first_chunk().copied();
    address.ok_or_else(|| wrong("a PROXY header that ends before its address"))
}

fn wrong(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::{NOTES, SIGNATURE, read};

    fn version_2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[tokio::test]
    async fn the_client_is_the_one_who_is_named_and_what_follows_is_left_alone() {
        let v4 = [192, 0, 2, 1, 198, 51, 100, 1, 0, 80, 1, 187];
        let v6 = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[7], &[0; 20]].concat();
        let noted = [&v4[..], &[4, 0, 2, 1, 1]].concat();
        for (header, client) in [
            (
                b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n".to_vec(),
                Some("192.0.2.1"),
            ),
            (
                b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n".to_vec(),
                Some("2001:db8::7"),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".to_vec(), None),
            (version_2(0x21, 0x11, &v4), Some("192.0.2.1")),
            (version_2(0x21, 0x11, &noted), Some("192.0.2.1")),
            (version_2(0x21, 0x21, &v6), Some("2001:db8::7")),
            (version_2(0x20, 0, &[]), None),
            (version_2(0x21, 0x31, &[0; 216]), None),
        ] {
            let shown = String::from_utf8_lossy(&header).into_owned();
            let bytes = [&header[..], b"GET /"].concat();
            let mut stream = &bytes[..];
            let found = read(&mut stream).await.unwrap();
            assert_eq!(
                found,
                client.map(|client| client.parse().unwrap()),
                "{shown}"
            );
            assert_eq!(stream, b"GET /", "{shown}");
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_an_error() {
        for bytes in [
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            b"PROXY TCP4 x 198.51.100.1 56324 443\r\n".to_vec(),
            b"PROXY TCP4\r\n and more words".to_vec(),
            b"PROXY UDP4 192.0.2.1\r\n".to_vec(),
            [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 200]].concat(),
            b"PROXY TCP4 192".to_vec(),
            b"".to_vec(),
            version_2(0x21, 0x11, &[1, 2]),
            version_2(0x11, 0x11, &[0; 12]),
            version_2(0x21, 0x11, &vec![0; NOTES + 1]),
            version_2(0x21, 0x11, &[0; 12])[..20].to_vec(),
        ] {
            let shown = String::from_utf8_lossy(&bytes).into_owned();
            assert!(read(&mut &bytes[..]).await.is_err(), "{shown}");
        }
    }
}
