//! A private RabbitMQ for tests: one for the whole binary ([`shared`]), or one of a test's own that
//! it may stop ([`Broker::start`]). Free ports on loopback, its own folder, gone with the process
//! however that ends. Never one that happens to run on this machine.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cara_amqp::definitions::{Account, Definitions, Pair};
use cara_amqp::topology::vhost;
use cara_clock::Clock;
use cara_config::SecretFile;

use crate::world::free_port;

/// The one of the distribution's that starts as whoever calls it.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const CONTROL: &str = "/usr/lib/rabbitmq/lib";

/// Providers whose users and queues every test broker has.
pub const PROVIDERS: [&str; 23] = [
    "harbour",
    "harbour-test",
    "beacon",
    "cove",
    "dene",
    "elm",
    "bracken",
    "heron",
    "otter",
    "fern",
    "glen",
    "isle",
    "jetty",
    "kiln",
    "lark",
    "moor",
    "nook",
    "oak",
    "pine",
    "quay",
    "reed",
    "slate",
    "tern",
];

pub const GATEWAY: &str = "cara-gateway";
pub const ADMINISTRATOR: &str = "admin";

const START_MAX: Duration = Duration::from_secs(120);

/// Ends the server when this process is gone: then the pipe that it reads from closes.
const KEEPER: &str = r#"
epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" &
epmd=$!
"$SERVER" </dev/null >"$DIR/stdout" 2>&1 &
server=$!
if read -r _; then
    kill -TERM $server
    wait $server
else
    kill -KILL "$(cat "$RABBITMQ_PID_FILE")"
    kill -KILL $server
    rm -rf "$DIR"
fi
kill -KILL $epmd
kill -KILL 0
"#;

/// Evaluates what it is sent inside the broker: making a virtual host takes milliseconds, while every
/// `rabbitmqctl` starts an Erlang of its own.
const EVALUATOR: &str = r#"
spawn(fun() ->
    {ok, Listener} = gen_tcp:listen({port},
        [binary, {packet, 4}, {active, false}, {ip, {127, 0, 0, 1}}, {reuseaddr, true}]),
    Evaluate = fun(Text) ->
        {ok, Tokens, _} = erl_scan:string(binary_to_list(Text)),
        {ok, Expressions} = erl_parse:parse_exprs(Tokens),
        {value, Value, _} = erl_eval:exprs(Expressions, []),
        Value
    end,
    (fun Serve() ->
        {ok, Socket} = gen_tcp:accept(Listener),
        case gen_tcp:recv(Socket, 0) of
            {ok, Text} ->
                Said = try Evaluate(Text) catch _:Reason -> {failed, Reason} end,
                gen_tcp:send(Socket, unicode:characters_to_binary(io_lib:format("~tp", [Said])));
            {error, closed} ->
                looked
        end,
        gen_tcp:close(Socket),
        Serve()
    end)()
end).
"#;

/// What a broker of a test's own has beyond the usual.
#[derive(Default)]
pub struct Wishes {
    /// Lines for `rabbitmq.conf`; `{tls}` stands for [`Broker::tls_port`].
    pub conf: String,
    /// Plugins to enable.
    pub plugins: Vec<&'static str>,
}

pub struct Broker {
    folder: PathBuf,
    port: u16,
    tls_port: u16,
    dist_port: u16,
    epmd_port: u16,
    evaluator_port: u16,
    listens: Vec<u16>,
    keeper: Option<Child>,
}

/// The one that all tests share. Use a provider of the test's own ([`unique`]) or look only at
/// messages with the test's own ids.
pub fn shared() -> &'static Broker {
    static SHARED: OnceLock<Broker> = OnceLock::new();
    SHARED.get_or_init(|| Broker::start(Wishes::default()))
}

/// A name that no other test uses.
pub fn unique(start: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{start}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Broker {
    pub fn start(wishes: Wishes) -> Broker {
        assert!(
            Path::new(SERVER).exists(),
            "these tests need RabbitMQ; run: sudo apt-get install -y rabbitmq-server"
        );
        let folder = std::env::temp_dir().join(unique("cara-broker"));
        std::fs::create_dir_all(folder.join("passwords")).unwrap();
        let [port, tls_port, dist_port, epmd_port, evaluator_port] =
            std::array::from_fn(|_| free_port());
        let mut listens = vec![port, evaluator_port];
        listens.extend(wishes.conf.contains("{tls}").then_some(tls_port));
        let mut broker = Broker {
            folder,
            port,
            tls_port,
            dist_port,
            epmd_port,
            evaluator_port,
            listens,
            keeper: None,
        };
        broker.write_files(&wishes);
        broker.start_again();
        broker
    }

    fn write_files(&self, wishes: &Wishes) {
        let passwords = self.folder.join("passwords");
        let account = |name| Account::of_folder(name, &passwords).unwrap();
        let definitions = Definitions {
            gateway: account(GATEWAY),
            administrator: Some(account(ADMINISTRATOR)),
            pairs: PROVIDERS
                .map(|provider| Pair::of_folder(provider, &passwords).unwrap())
                .to_vec(),
        };
        let write = |name: &str, text: String| {
            std::fs::write(self.folder.join(name), text).unwrap();
        };
        write("definitions.json", definitions.json().unwrap().to_string());
        let definitions = self.folder.join("definitions.json");
        let conf = wishes.conf.replace("{tls}", &self.tls_port.to_string());
        write(
            "rabbitmq.conf",
            format!(
                "listeners.tcp.1 = 127.0.0.1:{}\nload_definitions = {}\n{conf}\n",
                self.port,
                definitions.display()
            ),
        );
        write("evaluator.erl", EVALUATOR.replace("{port}", &self.evaluator_port.to_string()));
        write("enabled_plugins", format!("[{}].", wishes.plugins.join(",")));
    }

    fn environment(&self) -> [(&'static str, String); 14] {
        let under = |name: &str| self.folder.join(name).display().to_string();
        let more = format!(
            "-kernel inet_dist_use_interface {{127,0,0,1}} -eval file:script(\"{}\")",
            under("evaluator.erl")
        );
        [
            ("DIR", self.folder.display().to_string()),
            ("HOME", self.folder.display().to_string()),
            ("SERVER", SERVER.to_owned()),
            ("ERL_EPMD_PORT", self.epmd_port.to_string()),
            ("RABBITMQ_NODENAME", format!("cara-{}@localhost", self.port)),
            ("RABBITMQ_DIST_PORT", self.dist_port.to_string()),
            ("RABBITMQ_MNESIA_BASE", under("mnesia")),
            ("RABBITMQ_LOG_BASE", under("log")),
            ("RABBITMQ_PID_FILE", under("pid")),
            ("RABBITMQ_CONFIG_FILE", under("rabbitmq.conf")),
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", under("enabled_plugins")),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", more),
            ("RABBITMQ_SERVER_START_ARGS", "+S 2:2".to_owned()),
        ]
    }

    /// After [`Broker::stop`], on the same ports with what was stored.
    pub fn start_again(&mut self) {
        let keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .envs(self.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        self.keeper = Some(keeper);
        let clock = Clock::system();
        for port in &self.listens {
            while TcpStream::connect(("127.0.0.1", *port)).is_err() {
                let waited = clock.monotonic();
                assert!(waited < START_MAX, "RabbitMQ did not start:\n{}", self.said());
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.join("stdout")).unwrap_or_default()
    }

    /// An orderly stop; everything confirmed stays on its disk.
    pub fn stop(&mut self) {
        let Some(mut keeper) = self.keeper.take() else { return };
        if let Some(mut to) = keeper.stdin.take() {
            to.write_all(b"stop\n").unwrap();
        }
        keeper.wait().unwrap();
    }

    /// The server's own process.
    pub fn pid(&self) -> i32 {
        let text = std::fs::read_to_string(self.folder.join("pid")).unwrap();
        text.trim().parse().unwrap()
    }

    /// `kill -9`, without the keeper's goodbye; [`Broker::start_again`] follows.
    pub fn kill(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.pid());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        self.stop();
    }

    /// What was imported at the start.
    pub fn definitions(&self) -> PathBuf {
        self.folder.join("definitions.json")
    }

    /// Runs `rabbitmqctl` against this broker and gives what it printed.
    pub fn control(&self, arguments: &[&str]) -> String {
        let versions = std::fs::read_dir(CONTROL).unwrap().map(|entry| entry.unwrap().path());
        let tools = versions.map(|version| version.join("sbin/rabbitmqctl"));
        let tool = tools.into_iter().find(|tool| tool.exists()).unwrap();
        let output = Command::new(tool).args(arguments).envs(self.environment()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let wrong = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "rabbitmqctl {arguments:?}: {said}{wrong}");
        said
    }

    /// Evaluates Erlang expressions inside the broker and gives the last one's value as text.
    pub fn evaluate(&self, expressions: &str) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.evaluator_port)).unwrap();
        let length = u32::try_from(expressions.len()).unwrap().to_be_bytes();
        socket.write_all(&length).unwrap();
        socket.write_all(expressions.as_bytes()).unwrap();
        let mut said = Vec::new();
        socket.read_to_end(&mut said).unwrap();
        let said = String::from_utf8(said.split_off(4.min(said.len()))).unwrap();
        assert!(!said.starts_with("{failed"), "{expressions}: {said}");
        said
    }

    /// Sends the only reader of a queue of the provider's a bare `basic.cancel`: its connection and
    /// the queue stay, and the broker goes on counting it.
    pub fn cancel_reading(&self, provider: &str, queue: &str) {
        self.evaluate(&format!(
            r#"Name = rabbit_misc:r(<<"{host}">>, queue, <<"cara.{queue}.{provider}">>),
            {{ok, Queue}} = rabbit_amqqueue:lookup(Name),
            [Reading] = rabbit_amqqueue:consumers(Queue),
            Channel = element(4, sys:get_state(element(1, Reading))),
            Writer = element(6, element(2, Channel)),
            ok = rabbit_writer:send_command(Writer, {{'basic.cancel', element(2, Reading), true}})."#,
            host = vhost(provider),
        ));
    }

    /// A provider of this test's own, with its virtual host.
    pub fn provider(&self, start: &str) -> String {
        let provider = unique(start);
        self.admit(&provider);
        provider
    }

    /// Makes the provider's virtual host, in which the gateway has the rights that the definitions
    /// give it, unless it is there.
    pub fn admit(&self, provider: &str) {
        if PROVIDERS.contains(&provider) {
            return;
        }
        self.evaluate(&format!(
            r#"Host = <<"{host}">>, By = <<"test">>,
            ok = case rabbit_vhost:exists(Host) of true -> ok; false -> rabbit_vhost:add(Host, By) end,
            Own = <<"^cara\.">>, All = <<".*">>, M = rabbit_auth_backend_internal,
            ok = M:set_permissions(<<"{GATEWAY}">>, Host, Own, Own, Own, By),
            ok = M:set_permissions(<<"{ADMINISTRATOR}">>, Host, All, All, All, By)."#,
            host = vhost(provider),
        ));
    }

    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    pub fn password_file(&self, user: &str) -> PathBuf {
        self.folder.join(format!("passwords/{user}.password"))
    }

    /// An address for outsiders, in a provider's virtual host:
    /// `amqp://user:password@127.0.0.1:port/cara.harbour`.
    pub fn url(&self, user: &str, provider: &str) -> String {
        let password = std::fs::read_to_string(self.password_file(user)).unwrap();
        let (password, port, vhost) = (password.trim(), self.port, vhost(provider));
        format!("amqp://{user}:{password}@127.0.0.1:{port}/{vhost}")
    }

    /// `[broker]` of a gateway that uses this one.
    pub fn settings(&self) -> cara_config::BrokerSettings {
        cara_config::BrokerSettings {
            urls: vec![format!("amqp://127.0.0.1:{}", self.port)],
            user: GATEWAY.to_owned(),
            password: Some(SecretFile::at(self.password_file(GATEWAY), "broker.password")),
            ca: None,
            certificate: None,
            key: None,
            window: 256,
            confirm_timeout_s: 30,
            publish: true,
            unencrypted: false,
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            drop(keeper.wait());
        }
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
