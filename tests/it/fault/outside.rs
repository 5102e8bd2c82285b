//! What the gateway of a fault test sends to: a force's endpoint and a mail server, each of which
//! can be told to misbehave.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::ledger::Ledger;
use crate::delivery::endpoint::{Behaviour, Seen, Server};
use crate::patience::eventually;
use crate::world::TestGateway;

/// How an endpoint or a mail server is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mood {
    Good,
    /// Nobody listens.
    Down,
    /// Takes the request and answers that it cannot.
    Failing,
    /// Takes the request and never answers.
    Slow,
    /// Refuses the next letter that it is given, and that one for ever.
    RefusesOne,
}

/// Hampshire's endpoint.
pub struct Endpoint {
    port: u16,
    ledger: Ledger,
    server: Option<Server>,
}

impl Endpoint {
    pub fn at(port: u16, ledger: &Ledger) -> Endpoint {
        Endpoint { port, ledger: ledger.clone(), server: None }
    }

    pub async fn be(&mut self, mood: Mood, gateway: &TestGateway) {
        self.server = None;
        if mood == Mood::Down {
            return;
        }
        let (ledger, refused) = (self.ledger.clone(), Mutex::new(None));
        let choose = move |seen: &Seen| -> Vec<u8> {
            let id = seen.head.lines().find_map(|line| line.strip_prefix("notice-id: "));
            let id = id.unwrap_or_default().to_owned();
            let says = |status: &str| format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            let refuses = || *refused.lock().unwrap().get_or_insert_with(|| id.clone()) == id;
            let text = match mood {
                Mood::Slow => String::new(),
                Mood::Failing => says("500 Internal Server Error"),
                Mood::RefusesOne if refuses() => says("422 Unprocessable Content"),
                _ => {
                    ledger.book(|book| book.letters.insert(id.clone()));
                    says("200 OK")
                }
            };
            text.into_bytes()
        };
        let behaviour = Behaviour::Choose(Arc::new(choose));
        let own = gateway.authority.server(40);
        let server = Server::at(self.port, &own, &gateway.authority.pem, behaviour).await;
        self.server = Some(server);
    }
}

/// A mail server without TLS, on loopback.
pub struct Postbox {
    port: u16,
    mood: Arc<AtomicU8>,
    task: Option<JoinHandle<()>>,
}

impl Postbox {
    pub async fn at(port: u16) -> Postbox {
        let mood = Arc::new(AtomicU8::new(Mood::Good as u8));
        let mut postbox = Postbox { port, mood, task: None };
        postbox.be(Mood::Good).await;
        postbox
    }

    pub async fn be(&mut self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
        match (mood, self.task.take()) {
            (Mood::Down, Some(task)) => task.abort(),
            (Mood::Down, None) => {}
            (_, Some(task)) => self.task = Some(task),
            (_, None) => {
                let listener = eventually("the mail server's port", async || {
                    TcpListener::bind(("127.0.0.1", self.port)).await.ok()
                });
                let (listener, mood) = (listener.await, Arc::clone(&self.mood));
                self.task = Some(tokio::spawn(async move {
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(converse(stream, Arc::clone(&mood)));
                    }
                }));
            }
        }
    }
}

impl Drop for Postbox {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

async fn converse(stream: TcpStream, mood: Arc<AtomicU8>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.example\r\n").await?;
    let mut in_text = false;
    while let Some(line) = lines.next_line().await? {
        let refuses = mood.load(Ordering::SeqCst) == Mood::Failing as u8;
        let answer = match line.split(' ').next().unwrap_or_default() {
            "." if in_text => {
                in_text = false;
                "250 taken"
            }
            _ if in_text => continue,
            "RCPT" if refuses => "451 come again",
            "DATA" => {
                in_text = true;
                "354 go on"
            }
            "QUIT" => "221 good-bye",
            _ => "250 good",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}
