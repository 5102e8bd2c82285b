//! A force's connection: admitted, its hands shaken, ended when it is quiet for too long or has to
//! give way.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::Protocol;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Edge;
use super::activity::{self, Activity, Quiet};
use super::permit::{self, Permit};
use cara_supervisor::contain_now;
use cara_tls::Presented;

const HANDSHAKE: Duration = Duration::from_secs(5);

/// A connection past its handshake.
pub(in crate::http) struct Connection {
    stream: TlsStream<TcpStream>,
    quiet: Quiet,
    /// It was ended from this side: nothing is read any more, and writing waits for nobody.
    is_over: bool,
    permit: Permit,
    /// `None`: the chain cannot be read, which no handshake lets through.
    pub(in crate::http) presented: Option<Arc<Presented>>,
}

impl Connection {
    /// Admits a connection and shakes hands. An error closes it.
    pub(in crate::http) async fn accept(
        edge: Arc<Edge>,
        acceptor: TlsAcceptor,
        stream: TcpStream,
    ) -> io::Result<(Connection, Protocol, Option<SocketAddr>)> {
        let source = stream.peer_addr()?;
        let (handshakes, group) = (&edge.handshakes, permit::group(source.ip()));
        let permit = handshakes.arrive(group, || edge.permits.admit(source.ip())).await;
        let permit = permit.ok_or_else(refused)?;
        stream.set_nodelay(true)?;
        let shaking = async {
            stream.readable().await?;
            permit.activity.spoke();
            handshakes.pace(group, shake(&edge, &permit, acceptor.accept(stream))).await
        };
        let activity = &permit.activity;
        let given_way = std::future::poll_fn(|cx| match activity.is_over(cx) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        });
        let (stream, presented) = tokio::select! {
            biased;
            shaken = shaking => shaken?,
            () = given_way => return Err(refused()),
            () = activity::wait(&edge.clock, HANDSHAKE) => return Err(io::ErrorKind::TimedOut.into()),
        };
        let quiet = Quiet::of(edge.clock.clone());
        let connection = Connection { stream, quiet, is_over: false, permit, presented };
        Ok((connection, Protocol::Http1, Some(source)))
    }

    pub(in crate::http) fn activity(&self) -> &Arc<Activity> {
        &self.permit.activity
    }

    /// Nobody is waited for once the connection is over.
    fn in_time<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match outcome {
            Poll::Pending if self.is_over => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            outcome => outcome,
        }
    }
}

/// Shakes hands and sees who it is.
async fn shake(
    edge: &Edge,
    permit: &Permit,
    accepting: tokio_rustls::Accept<TcpStream>,
) -> io::Result<(TlsStream<TcpStream>, Option<Arc<Presented>>)> {
    let stream = accepting.await?;
    let chain = stream.get_ref().1.peer_certificates();
    let presented =
        chain.and_then(|chain| contain_now(|| Presented::read(chain)).ok().flatten()).map(Arc::new);
    let identity = presented.as_ref().and_then(|presented| edge.trust.check(presented).ok());
    match permit.hold(identity.as_ref().map_or(&[], |identity| &identity.forces)) {
        true => Ok((stream, presented)),
        false => Err(refused()),
    }
}

fn refused() -> io::Error {
    io::ErrorKind::ConnectionRefused.into()
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            if buffer.filled().len() > before {
                this.permit.activity.came();
            }
            return Poll::Ready(read);
        }
        // Nothing is there: only now may it be said that it is too late.
        let activity = &this.permit.activity;
        this.is_over |= activity.is_over(cx) || this.quiet.is_over(activity, cx);
        match this.is_over {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(cx, bytes);
        if outcome.is_ready() {
            this.permit.activity.went();
        }
        this.in_time(outcome)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_flush(cx);
        this.in_time(outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.in_time(outcome)
    }
}
