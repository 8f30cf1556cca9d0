//! The third door: runs a program, what was posted as its input, and what it says as the answer, both piece by piece.
//!
//! It never outlives the visitor's interest by much. When the answer is dropped its pipes close, which tells git and
//! git's own children to stop; what does not is killed.

use std::future::Future;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::answer::Program;
use super::class::ProgramPass;
use super::error::WebError;
use super::posted::{Input, Refusal};
use crate::net::give_way;

/// Bytes to a piece of the answer.
const PIECE: usize = 48 * 1024;
/// How long a program may say nothing. git says something every five seconds once it sends a pack; before that it may
/// have to look at every commit.
const SILENCE: Duration = Duration::from_secs(300);
/// How long a program may take to stop when nobody listens any more. git tries to say something every five seconds.
const FAREWELL: Duration = Duration::from_secs(10);
/// How much of a program's complaints is kept for the log.
const COMPLAINTS: u64 = 1000;

/// Waits for leave, runs the program, and answers with what it says. Where it says nothing and fails, there is still
/// time to say so; when it fails later the connection is broken off.
pub(super) async fn run(
    program: Program,
    mut input: Input,
    leave: impl Future<Output = Result<ProgramPass, WebError>>,
) -> Result<Body, WebError> {
    // Whoever is slow to say what he wants must not keep others waiting.
    input.begin().await?;
    let mut running = Running::start(program, input, leave.await?)?;
    let first = match running.next().await {
        Ok(Some(first)) => first,
        Ok(None) => return Ok(Body::empty()),
        Err(error) => return Err(running.why(&error).await),
    };
    let rest = stream::try_unfold((Some(first), running), |(first, mut running)| async move {
        let piece = match first {
            Some(first) => Some(first),
            None => running.next().await?,
        };
        Ok::<_, io::Error>(piece.map(|piece| (piece, (None, running))))
    });
    Ok(Body::from_stream(rest))
}

/// A program under way.
struct Running {
    before: &'static str,
    child: Option<Child>,
    output: Option<ChildStdout>,
    feeding: JoinHandle<Result<(), Refusal>>,
    complaints: JoinHandle<String>,
    pass: Option<ProgramPass>,
}

impl Running {
    fn start(program: Program, input: Input, pass: ProgramPass) -> Result<Running, WebError> {
        let name = program.command.get_program().to_string_lossy().into_owned();
        let failed = |error| WebError::Failed(crate::error::Error::io(&name, error));
        let mut command = tokio::process::Command::from(program.command);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().map_err(failed)?;
        // Who clones has time; who reads has not.
        if let Some(process) = child.id() {
            give_way(process);
        }
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        Ok(Running {
            before: program.before,
            child: Some(child),
            output: Some(stdout),
            feeding: tokio::spawn(feed(input, stdin)),
            complaints: tokio::spawn(listen(stderr)),
            pass: Some(pass),
        })
    }

    /// The next piece of what it says; `None` when it has ended well.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let Some(output) = &mut self.output else {
            return Ok(None);
        };
        let piece = timeout(SILENCE, piece(output, self.before)).await??;
        self.before = "";
        if !piece.is_empty() {
            return Ok(Some(piece));
        }
        self.output = None;
        let Some(child) = &mut self.child else {
            return Ok(None);
        };
        let status = timeout(FAREWELL, child.wait()).await??;
        self.child = None;
        if status.success() {
            return Ok(None);
        }
        let said = timeout(FAREWELL, &mut self.complaints).await;
        let said = said.ok().and_then(Result::ok).unwrap_or_default();
        let said = said.trim().escape_debug();
        tracing::warn!(%status, %said, "a program failed with {status}: {said}");
        Err(io::Error::other(format!(
            "the program failed with {status}"
        )))
    }

    /// What to tell the visitor when there was nothing but a failure: what was posted may be to blame.
    async fn why(&mut self, error: &io::Error) -> WebError {
        if error.kind() == io::ErrorKind::TimedOut {
            return WebError::Broken;
        }
        match timeout(FAREWELL, &mut self.feeding).await {
            Ok(Ok(Err(refusal))) => refusal.into(),
            _ => WebError::Invalid("git cannot answer this".to_owned()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.output = None;
        self.feeding.abort();
        self.complaints.abort();
        let (child, pass) = (self.child.take(), self.pass.take());
        // Without a runtime it is killed where it is dropped.
        if let (Some(mut child), Ok(runtime)) = (child, Handle::try_current()) {
            runtime.spawn(async move {
                if timeout(FAREWELL, child.wait()).await.is_err() {
                    // It may have ended just now.
                    let _ = child.kill().await;
                }
                drop(pass);
            });
        }
    }
}

/// What has come by now, at least a byte unless it is the end.
async fn piece(output: &mut (impl AsyncRead + Unpin), before: &str) -> io::Result<Bytes> {
    let mut piece = BytesMut::with_capacity(PIECE);
    piece.extend_from_slice(before.as_bytes());
    if output.read_buf(&mut piece).await? == 0 {
        return Ok(Bytes::new());
    }
    Ok(piece.freeze())
}

/// Hands on what was posted, and then the end, also where something is wrong with it.
async fn feed(mut input: Input, mut stdin: ChildStdin) -> Result<(), Refusal> {
    while let Some(bytes) = input.next().await? {
        if stdin.write_all(&bytes).await.is_err() {
            // It has heard enough.
            break;
        }
    }
    Ok(())
}

async fn listen(mut stderr: ChildStderr) -> String {
    let mut said = Vec::new();
    // What cannot be read is not said; the rest must be taken, or the program waits forever.
    let _ = (&mut stderr).take(COMPLAINTS).read_to_end(&mut said).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&said).into_owned()
}
