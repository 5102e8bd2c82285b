//! What the AMQP library reads and writes: a plain stream, or one that the tls room encrypted.
//!
//! The library has TLS of its own, but without its bundled trust roots it is compiled out, and
//! then `amqps://` **silently connects in clear**. So streams are made here and the library never
//! gets to choose.

use std::future::Future;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_compat::Compat;
use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::Task;
use async_rs::{Runtime, Tokio};
use futures_util::Stream;
use lapin::tcp::AsyncTcpStream;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::trim::{Allowance, Trimmed};
use cara_tls::Connector;

/// Bytes both ways, whether encrypted or not.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

type Bytes = Compat<Box<dyn Duplex>>;

/// The current tokio runtime, with streams of this room's making.
#[derive(Clone, Debug)]
struct Kit {
    tokio: Tokio,
}

/// Connects to the address; with TLS exactly when the address says `amqps`, which needs `tls`. What the
/// broker hands out is cut to the allowance.
pub(crate) async fn connect(
    address: AMQPUri,
    tls: Option<Connector>,
    properties: ConnectionProperties,
    allowance: Option<Arc<Allowance>>,
) -> Result<Connection, lapin::Error> {
    let runtime = Runtime::new(Kit { tokio: Tokio::current() });
    let open = async move |address: AMQPUri, _: Runtime<Kit>| {
        let stream = open(&address, tls.as_ref()).await.map_err(lapin::Error::from)?;
        let stream: Box<dyn Duplex> = match &allowance {
            Some(allowance) => Box::new(Trimmed::to(Arc::clone(allowance), stream)),
            None => stream,
        };
        Ok(AsyncTcpStream::Plain(Compat::new(stream)))
    };
    Connection::connector(address, runtime, open, properties).await
}

async fn open(address: &AMQPUri, tls: Option<&Connector>) -> io::Result<Box<dyn Duplex>> {
    let host = address.authority.host.as_str();
    let tcp = TcpStream::connect((host, address.authority.port)).await?;
    tcp.set_nodelay(true)?;
    let stream: Box<dyn Duplex> = match (&address.scheme, tls) {
        (AMQPScheme::AMQP, _) => Box::new(tcp),
        (AMQPScheme::AMQPS, Some(tls)) => Box::new(tls.connect(host, tcp).await?),
        (AMQPScheme::AMQPS, None) => return Err(io::Error::other("there is no CA to trust")),
    };
    Ok(stream)
}

impl RuntimeKit for Kit {}

impl Executor for Kit {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, f: F) -> T {
        self.tokio.block_on(f)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        f: F,
    ) -> Task<Self::Task<T>> {
        self.tokio.spawn(f)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        f: F,
    ) -> Task<Self::Task<T>> {
        self.tokio.spawn_blocking(f)
    }
}

impl Reactor for Kit {
    type TcpStream = Bytes;
    type Sleep = <Tokio as Reactor>::Sleep;

    /// The library registers nothing.
    fn register<H: Read + Write + Send + 'static>(
        &self,
        _: H,
    ) -> io::Result<impl futures_util::AsyncRead + futures_util::AsyncWrite + Send + Unpin + 'static>
    {
        Err::<Bytes, _>(io::Error::other("nothing is registered here"))
    }

    fn sleep(&self, dur: Duration) -> Self::Sleep {
        self.tokio.sleep(dur)
    }

    fn interval(&self, dur: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.tokio.interval(dur)
    }

    /// Only [`open`] makes streams; the library asks for none by itself.
    fn tcp_connect_addr(
        &self,
        _: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        std::future::ready(Err(io::Error::other("connections are opened by the broker room")))
    }
}
