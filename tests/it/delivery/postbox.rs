//! A real mail server, aiosmtpd, which tells every mail that it took.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::patience::PATIENCE;

/// The first line out is the port, each further one a mail.
const SERVER: &str = r#"
import asyncio, email, email.policy, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 there is no " + address
        if address.startswith("later@"):
            return "451 4.7.1 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "text": mail.get_content(),
        }), flush=True)
        return "250 OK"

def check(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"cara-gateway", b"hunter2")
    return AuthResult(success=good, handled=good)

options = {}
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    options = {"tls_context": context, "require_starttls": True, "authenticator": check,
               "auth_required": True}

async def main():
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(Handler(), hostname="mail.example", enable_SMTPUTF8=True, loop=loop, **options)
    server = await loop.create_server(make, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"#;

/// How the server is entered.
pub enum Guard {
    None,
    /// STARTTLS and a password are demanded.
    StartTls {
        certificate: PathBuf,
        key: PathBuf,
    },
}

/// Ends with its value.
pub struct Postbox {
    port: u16,
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Postbox {
    pub async fn start(guard: Guard) -> Postbox {
        let mut command = Command::new("/usr/bin/python3");
        command.args(["-c", SERVER]);
        if let Guard::StartTls { certificate, key } = guard {
            command.arg(certificate).arg(key);
        }
        // It tells at length of every client that goes away, which is what some tests are about.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap();
        let port = line.expect("is python3-aiosmtpd installed? scripts/install").parse().unwrap();
        Postbox { port, lines, _child: child }
    }

    pub fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The next mail that was taken.
    pub async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        serde_json::from_str(&line.expect("a mail came").unwrap().unwrap()).unwrap()
    }
}
