//! The three listeners.

use std::future::ready;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, KeepAlive, Protocol};
use actix_server::{GracefulShutdownSignal, Server, ServerBuilder, ServerHandle};
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::rt::net::UnixStream;
use actix_web::{App, HttpResponse, HttpServer, web};
use nix::sys::socket::Backlog;
use nix::unistd::Group;
use tokio_rustls::TlsAcceptor;

use super::connection::Connection;
use super::gate::{contain, gate};
use super::knock::Doors;
use super::{Edge, internal, operator, route, standing, table};
use cara_supervisor::point;

const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a refused sender is listened to, so that it can read the answer.
const LINGER: Duration = Duration::from_secs(1);
/// Requests that are being answered when the stop begins have so long.
const STOP_S: u64 = 20;
/// Connections that the kernel keeps until they are accepted, at most.
const BACKLOG: i32 = 4096;
/// How often it is asked which refusals are over.
const SETTLE: Duration = Duration::from_secs(5);

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{address} cannot be listened on; see whether something else does")]
    Address { address: SocketAddr, source: std::io::Error },
    #[error("the socket {} cannot be made; its folder must be writable", path.display())]
    Socket { path: PathBuf, source: std::io::Error },
    #[error(
        "the operators' socket cannot be given to the group {group}; `operators.group` names a group \
         that the gateway's user is in"
    )]
    Group { group: String, source: std::io::Error },
    #[error("another process answers on the socket {}", path.display())]
    SocketInUse { path: PathBuf },
    #[error(transparent)]
    Tls(#[from] cara_tls::Error),
}

/// Open listeners. They answer once [`Listening::run`] is polled.
pub struct Listening {
    /// Where forces reach the API; tells the port where 0 was asked for.
    pub api: SocketAddr,
    pub internal: SocketAddr,
    pub socket: PathBuf,
    servers: [Server; 3],
    edge: Arc<Edge>,
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
        Ok(Listening { api, internal, socket, servers, edge: Arc::clone(edge) })
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
        let settling = async {
            loop {
                tokio::time::sleep(SETTLE).await;
                self.edge.refusals.settle();
            }
        };
        let ended = tokio::select! {
            ended = async { tokio::try_join!(api, internal, operators) } => ended,
            () = settling => unreachable!("it has no end"),
        };
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
    let tls = TlsAcceptor::from(Arc::new(edge.trust.server_config(settings.tls_1_2)?));
    let (address, listener) = listen(settings.listen)?;
    let server = builder(settings.workers);
    let stop = server.graceful_shutdown_signal();
    let edge = Arc::clone(edge);
    let server = server
        .listen("api", listener, move || {
            // The closure runs on each worker's own thread.
            point("api-worker");
            let (admitting, tls) = (Arc::clone(&edge), tls.clone());
            let data = web::Data::from(Arc::clone(&edge));
            let app = App::new()
                .app_data(data)
                .wrap(from_fn(gate))
                .configure(|it| table::configure(&route::ROUTES, it));
            let (metric, stop) = (edge.metric.clone(), stop.clone());
            let http = HttpService::build()
                // The connection itself says when it has been quiet for too long.
                .client_request_timeout(Duration::ZERO)
                .keep_alive(KeepAlive::Os)
                .client_disconnect_timeout(LINGER)
                .graceful_shutdown_signal(move || ended(stop.clone()))
                .on_connect_ext(move |connection: &Connection, kept: &mut Extensions| {
                    standing::on_connect(&metric, connection, kept);
                })
                .finish(app_factory(app));
            fn_service(move |stream| {
                let accepted = Connection::accept(Arc::clone(&admitting), tls.clone(), stream);
                async { accepted.await.map_err(DispatchError::Io) }
            })
            .and_then(http)
        })
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
    let listener = unix_listener(path, edge.settings.operators.group.as_deref())?;
    let server = builder(1);
    let stop = server.graceful_shutdown_signal();
    let edge = Arc::clone(edge);
    let server = server
        .listen_uds("operators", listener, move || {
            let data = web::Data::from(Arc::clone(&edge));
            let app = App::new()
                .app_data(data)
                .wrap(from_fn(operator::admit))
                .wrap(from_fn(contain))
                .configure(|it| table::configure(&operator::table::CALLS, it));
            let (settings, stop) = (edge.settings.operators.clone(), stop.clone());
            let admitting = operator::Callers::default();
            let counting = admitting.clone();
            let http = HttpService::build()
                .client_request_timeout(HEADERS_TIMEOUT)
                .graceful_shutdown_signal(move || ended(stop.clone()))
                .on_connect_ext(move |stream: &UnixStream, kept: &mut Extensions| {
                    operator::on_connect(&settings, stream, kept);
                    kept.insert(counting.count(stream));
                })
                .finish(app_factory(app));
            fn_service(move |stream: UnixStream| {
                let admitted = admitting.admit(&stream).map_err(DispatchError::Io);
                ready(admitted.map(|()| (stream, Protocol::Http1, None)))
            })
            .and_then(http)
        })
        .map_err(failed)?;
    Ok(server.run())
}

/// A server that never stops accepting: who may stay is decided connection by connection.
fn builder(workers: usize) -> ServerBuilder {
    Server::build()
        .workers(workers)
        .max_concurrent_connections(usize::MAX >> 1)
        .shutdown_timeout(STOP_S)
        .disable_signals()
}

/// What actix-web's own server does with an app, for a stream of ours.
fn app_factory<S, B>(
    app: impl IntoServiceFactory<S, actix_http::Request>,
) -> impl ServiceFactory<
    actix_http::Request,
    Config = (),
    Response = S::Response,
    Error = HttpResponse,
    InitError = S::InitError,
    Service: 'static,
    Future: 'static,
>
where
    S: ServiceFactory<
            actix_http::Request,
            Config = AppConfig,
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
        > + 'static,
    B: MessageBody,
{
    let answering = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
    map_config(answering, |()| AppConfig::default())
}

async fn ended(signal: GracefulShutdownSignal) {
    signal.notified().await;
}

fn listen(address: SocketAddr) -> Result<(SocketAddr, TcpListener), Error> {
    let failed = |source| Error::Address { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    // A burst waits for us, not for the kernel's next try a second later.
    let backlog = Backlog::new(BACKLOG).map_err(|errno| failed(errno.into()))?;
    nix::sys::socket::listen(&listener, backlog).map_err(|errno| failed(errno.into()))?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((bound, listener))
}

/// Takes over the socket that a process which is gone left behind. The gateway's own user and its
/// group may connect: the operating system says who it is, and who is not listed is refused.
fn unix_listener(path: &Path, group: Option<&str>) -> Result<UnixListener, Error> {
    let failed = |source| Error::Socket { path: path.to_path_buf(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(Error::SocketInUse { path: path.to_path_buf() });
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    if let Some(name) = group {
        let unusable = |source| Error::Group { group: name.to_owned(), source };
        let group = Group::from_name(name).map_err(|errno| unusable(errno.into()))?;
        let group = group.ok_or_else(|| unusable(std::io::ErrorKind::NotFound.into()))?;
        std::os::unix::fs::chown(path, None, Some(group.gid.as_raw())).map_err(unusable)?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(failed)?;
    Ok(listener)
}
