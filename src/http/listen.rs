//! The three listeners.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};

use super::gate::{contain, gate};
use super::knock::Doors;
use super::{Edge, internal, operator, route, standing};
use crate::supervisor::point;
use crate::tls;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a refused sender is listened to, so that it can read the answer.
const LINGER: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Requests that are being answered when the stop begins have so long.
const STOP_S: u64 = 20;

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{address} cannot be listened on; see whether something else does")]
    Address { address: SocketAddr, source: std::io::Error },
    #[error("the socket {} cannot be made; its folder must be writable", path.display())]
    Socket { path: PathBuf, source: std::io::Error },
    #[error("another process answers on the socket {}", path.display())]
    SocketInUse { path: PathBuf },
    #[error(transparent)]
    Tls(#[from] tls::Error),
}

/// Open listeners. They answer once [`Listening::run`] is polled.
pub struct Listening {
    /// Where forces reach the API; tells the port where 0 was asked for.
    pub api: SocketAddr,
    pub internal: SocketAddr,
    pub socket: PathBuf,
    servers: [Server; 3],
}

/// Stops the listeners from elsewhere.
#[derive(Clone)]
pub struct Stopper(Vec<ServerHandle>);

impl Listening {
    /// Opens all three listeners, or none.
    pub fn open(edge: &Arc<Edge>) -> Result<Listening, Error> {
        let (api, api_server) = api(edge)?;
        let (internal, internal_server) = internal(edge)?;
        let socket = edge.settings.operators.socket.clone();
        let servers = [api_server, internal_server, operators(edge, &socket)?];
        Ok(Listening { api, internal, socket, servers })
    }

    pub fn doors(&self) -> Doors {
        let Listening { api, internal, socket, .. } = self;
        Doors { api: *api, internal: *internal, socket: socket.clone() }
    }

    pub fn stopper(&self) -> Stopper {
        Stopper(self.servers.iter().map(Server::handle).collect())
    }

    /// Answers until it is stopped, or until a listener fails.
    pub async fn run(self) {
        let [api, internal, operators] = self.servers;
        let ended = tokio::try_join!(api, internal, operators);
        let _ = std::fs::remove_file(&self.socket);
        if let Err(error) = ended {
            tracing::error!(error = &error as &dyn std::error::Error, "a listener failed");
        }
    }
}

impl Stopper {
    /// Takes no more connections and waits for the requests that are being answered.
    pub async fn stop(&self) {
        for handle in &self.0 {
            handle.stop(true).await;
        }
    }
}

fn api(edge: &Arc<Edge>) -> Result<(SocketAddr, Server), Error> {
    let settings = &edge.settings.api;
    let tls = edge.trust.server_config(settings.tls_1_2)?;
    let (address, listener) = listen(settings.listen)?;
    let data = web::Data::from(Arc::clone(edge));
    let metric = edge.metric.clone();
    let server = HttpServer::new(move || {
        // The closure runs on each worker's own thread.
        point("api-worker");
        App::new().app_data(data.clone()).wrap(from_fn(gate)).configure(route::configure)
    })
    .workers(settings.workers)
    .max_connections(settings.connections_max.div_ceil(settings.workers))
    .tls_handshake_timeout(HANDSHAKE_TIMEOUT)
    .client_request_timeout(HEADERS_TIMEOUT)
    .client_disconnect_timeout(LINGER)
    .keep_alive(KEEP_ALIVE)
    .tcp_nodelay(true)
    .shutdown_timeout(STOP_S)
    .disable_signals()
    .on_connect(move |stream, kept| standing::on_connect(&metric, stream, kept))
    .listen_rustls_0_23(listener, tls)
    .map_err(|source| Error::Address { address, source })?;
    Ok((address, server.run()))
}

fn internal(edge: &Arc<Edge>) -> Result<(SocketAddr, Server), Error> {
    let (address, listener) = listen(edge.settings.internal.listen)?;
    let data = web::Data::from(Arc::clone(edge));
    let server = HttpServer::new(move || {
        App::new().app_data(data.clone()).wrap(from_fn(contain)).configure(internal::configure)
    })
    .workers(1)
    .max_connections(64)
    .client_request_timeout(HEADERS_TIMEOUT)
    .shutdown_timeout(STOP_S)
    .disable_signals()
    .listen(listener)
    .map_err(|source| Error::Address { address, source })?;
    Ok((address, server.run()))
}

fn operators(edge: &Arc<Edge>, path: &Path) -> Result<Server, Error> {
    let failed = |source| Error::Socket { path: path.to_path_buf(), source };
    let listener = unix_listener(path)?;
    let data = web::Data::from(Arc::clone(edge));
    let settings = edge.settings.operators.clone();
    let server = HttpServer::new(move || {
        App::new().app_data(data.clone()).wrap(from_fn(contain)).configure(operator::configure)
    })
    .workers(1)
    .max_connections(64)
    .client_request_timeout(HEADERS_TIMEOUT)
    .shutdown_timeout(STOP_S)
    .disable_signals()
    .on_connect(move |stream, kept| operator::on_connect(&settings, stream, kept))
    .listen_uds(listener)
    .map_err(failed)?;
    Ok(server.run())
}

fn listen(address: SocketAddr) -> Result<(SocketAddr, TcpListener), Error> {
    let failed = |source| Error::Address { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((bound, listener))
}

/// Takes over the socket that a process which is gone left behind. Everybody may connect: the
/// operating system says who it is, and who is not listed is refused.
fn unix_listener(path: &Path) -> Result<UnixListener, Error> {
    let failed = |source| Error::Socket { path: path.to_path_buf(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    if UnixStream::connect(path).is_ok() {
        return Err(Error::SocketInUse { path: path.to_path_buf() });
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    let everybody = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(path, everybody).map_err(failed)?;
    Ok(listener)
}
