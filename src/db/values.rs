//! How our words are stored.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::id::{ArticleNum, EpochNum, InboxId, MessageKey, MidKey, Oid, ThreadId};
use crate::time::Timestamp;

macro_rules! as_integer {
    ($($name:ident),*) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.0))
            }
        }
        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_i64().map($name)
            }
        }
    )*};
}

as_integer!(ArticleNum, InboxId, MessageKey, MidKey, ThreadId, Timestamp);

impl ToSql for EpochNum {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0))
    }
}

impl FromSql for EpochNum {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        u32::column_result(value).map(EpochNum)
    }
}

impl ToSql for Oid {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(&self.0[..]))
    }
}

impl FromSql for Oid {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Oid::from_bytes(value.as_blob()?).map_err(FromSqlError::other)
    }
}

/// A list of Message-IDs as a column: LEB128 varints, three bytes for most.
pub(super) fn pack_keys(keys: &[MidKey]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(keys.len() * 3);
    for key in keys {
        let mut rest = key.0 as u64;
        while rest >= 0x80 {
            packed.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        packed.push(rest as u8);
    }
    packed
}

/// Reads such a column; a cut or overlong varint ends the list.
pub(super) fn unpack_keys(packed: &[u8]) -> Vec<MidKey> {
    let mut keys = Vec::with_capacity(packed.len() / 2);
    let (mut value, mut shift) = (0_u64, 0);
    for byte in packed {
        if shift > 56 {
            break;
        }
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            keys.push(MidKey(value as i64));
            (value, shift) = (0, 0);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::{pack_keys, unpack_keys};
    use crate::id::MidKey;

    #[test]
    fn packed_keys_come_back() {
        let keys: Vec<MidKey> = [1, 127, 128, 16_383, 16_384, 5_000_000_000]
            .into_iter()
            .map(MidKey)
            .collect();
        assert_eq!(unpack_keys(&pack_keys(&keys)), keys);
        assert_eq!(unpack_keys(&[]), []);
        assert_eq!(unpack_keys(&[0xff; 30]), []);
    }
}
