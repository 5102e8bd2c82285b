//! Mail to a person: that something waits, with references only.

use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{self, Credentials};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, Tls, TlsParameters,
};
use lettre::transport::smtp::commands;
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use uuid::Uuid;

use super::Error;
use cara_clock::Clock;
use cara_config::mail::Encryption;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// One recipient's mail, from connecting to the server's word that it has it.
const TIMEOUT: Duration = Duration::from_secs(30);
/// As far as the envelope of a mail that is not sent.
const REHEARSAL: Duration = Duration::from_secs(10);

/// On this port TLS comes before the first word (RFC 8314).
const PORT_WITH_TLS_FIRST: u16 = 465;

/// Writes to people.
#[derive(Clone)]
pub struct Mailer {
    settings: cara_config::MailSettings,
    clock: Clock,
    from: Address,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// Time, or whoever keeps the mail server, will mend it.
    Passing,
    /// The same mail will be refused again.
    Permanent,
}

/// Some or all of the recipients have not got it. Holds no address and no word of the server's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mail has not reached {} of its recipients: {reason}", missed.len())]
pub struct Undelivered {
    /// Passing if it is so for one of those who were missed.
    pub lasting: Lasting,
    /// A code of ours.
    pub reason: &'static str,
    /// Which of the recipients, counted from 0: whoever tries again leaves the others out.
    pub missed: Vec<usize>,
    /// It would be the same for any other mail now.
    pub everybody: bool,
}

/// The mail server would not take a mail now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mail server takes no e-mail, at {step}: {}", words(reason))]
pub struct Unready {
    pub step: &'static str,
    /// A code of ours.
    pub reason: &'static str,
}

/// What a code of ours means, and what to do.
pub fn words(reason: &str) -> &'static str {
    match reason {
        "refused" => {
            "it refuses an address; compare mail.from and mail.operators with its keeper's"
        }
        "not_authenticated" => {
            "it refuses the login; compare mail.user and the file mail.password with its keeper's"
        }
        "server_away" => "it says that it is closing; it is tried again",
        "server_refuses" => "it refuses the command; ask its keeper what this gateway may do there",
        "put_off" => "it asks to come again later; if that lasts, ask its keeper why",
        "timeout" => "it says nothing in time; look at mail.server, the network and the server",
        "tls" => "TLS fails; compare mail.ca, and the name in mail.server, with its certificate",
        "not_offered" => {
            "it offers no STARTTLS, or no way to sign on that the gateway knows; compare mail.server's \
             port, mail.tls and mail.user with its keeper's"
        }
        "unreachable" => {
            "nobody answers at mail.server; look at its address, the network, the server"
        }
        "settings" => "a file of [mail] cannot be read any more; `cara-gateway doctor` names it",
        _ => "an address or text does not fit into an e-mail; look at mail.from and mail.operators",
    }
}

/// Why one recipient's mail was not taken.
struct Failure {
    lasting: Lasting,
    reason: &'static str,
    /// It would be the same for everybody else.
    everybody: bool,
}

impl Mailer {
    /// Reads the password and the CA; what is wrong with them ends the start. The server may be
    /// away.
    pub fn open(settings: &cara_config::MailSettings, clock: &Clock) -> Result<Mailer, Error> {
        let setting = |setting| Error::Setting { setting };
        let from = settings.from.parse().map_err(|_| setting("mail.from"))?;
        let mail = Mailer { settings: settings.clone(), clock: clock.clone(), from };
        mail.transport()?;
        Ok(mail)
    }

    /// Sends a plain text to each recipient apart: one address that the server refuses keeps it
    /// from nobody else, and nobody reads who else was told. `message_id` is the same in every
    /// attempt, so that a second copy is seen to be one.
    pub async fn send(
        &self,
        to: &[String],
        message_id: Uuid,
        subject: &str,
        text: &str,
    ) -> Result<(), Undelivered> {
        let mut undelivered: Option<Undelivered> = None;
        let mut miss = |index, failure: &Failure| {
            let (lasting, reason) = (failure.lasting, failure.reason);
            let all = undelivered.get_or_insert_with(|| Undelivered {
                lasting,
                reason,
                missed: vec![],
                everybody: false,
            });
            if lasting == Lasting::Passing && all.lasting == Lasting::Permanent {
                (all.lasting, all.reason) = (lasting, reason);
            }
            all.missed.push(index);
            all.everybody |= failure.everybody;
        };
        for (index, recipient) in to.iter().enumerate() {
            let Err(failure) = self.send_one(recipient, message_id, subject, text).await else {
                continue;
            };
            miss(index, &failure);
            if failure.everybody {
                // Nor is every one of them waited for in turn while the server hangs.
                (index + 1..to.len()).for_each(|index| miss(index, &failure));
                break;
            }
        }
        undelivered.map_or(Ok(()), Err)
    }

    /// Speaks with the server as far as the envelope of a mail to these people, and sends none.
    pub async fn rehearse(&self, to: &[String]) -> Result<(), Unready> {
        match tokio::time::timeout(REHEARSAL, self.envelope(to)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err((step, failure))) => Err(Unready { step, reason: failure.reason }),
            Err(_) => Err(Unready { step: "connecting", reason: "timeout" }),
        }
    }

    async fn envelope(&self, to: &[String]) -> Result<(), (&'static str, Failure)> {
        let at = |step| move |error: smtp::Error| (step, Failure::of(&error));
        let settings = |_: Error| ("reading the settings", Failure::of_everybody("settings"));
        let absent = || settings(Error::Setting { setting: "mail.server" });
        let (host, port) = self.settings.host_and_port().ok_or_else(absent)?;
        let hello = ClientId::Domain(self.from.domain().to_owned());
        let tls = match self.settings.tls {
            Encryption::None => None,
            Encryption::Required => Some(self.tls(host).map_err(settings)?),
        };
        let (first, later) = match port {
            PORT_WITH_TLS_FIRST => (tls, None),
            _ => (None, tls),
        };
        let connect =
            AsyncSmtpConnection::connect_tokio1((host, port), Some(TIMEOUT), &hello, first, None);
        let mut connection = connect.await.map_err(at("connecting"))?;
        if let Some(tls) = later {
            connection.starttls(tls, &hello).await.map_err(at("STARTTLS"))?;
        }
        if let Some(credentials) = self.credentials().map_err(settings)? {
            let known = authentication::DEFAULT_MECHANISMS;
            connection.auth(known, &credentials).await.map_err(at("signing on"))?;
        }
        let from = commands::Mail::new(Some(self.from.clone()), Vec::new());
        connection.command(from).await.map_err(at("MAIL FROM"))?;
        for recipient in to {
            let unfit = |_| ("RCPT TO", Failure::permanent("unfit_address"));
            let recipient = commands::Rcpt::new(recipient.parse().map_err(unfit)?, Vec::new());
            connection.command(recipient).await.map_err(at("RCPT TO"))?;
        }
        connection.command(commands::Rset).await.map_err(at("RSET"))?;
        let _ = connection.quit().await;
        Ok(())
    }

    async fn send_one(
        &self,
        to: &str,
        message_id: Uuid,
        subject: &str,
        text: &str,
    ) -> Result<(), Failure> {
        let message = self.message(to, message_id, subject, text)?;
        // Made anew each time: mail is rare, and so it follows the files of password and CA.
        let transport = self.transport().map_err(|_| Failure::of_everybody("settings"))?;
        match tokio::time::timeout(TIMEOUT, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failure::of(&error)),
            Err(_) => Err(Failure::of_everybody("timeout")),
        }
    }

    fn message(
        &self,
        to: &str,
        message_id: Uuid,
        subject: &str,
        text: &str,
    ) -> Result<Message, Failure> {
        let to: Address = to.parse().map_err(|_| Failure::permanent("unfit_address"))?;
        if subject.chars().any(char::is_control) {
            return Err(Failure::permanent("unfit_subject"));
        }
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(Mailbox::new(None, self.from.clone()))
            .to(Mailbox::new(None, to))
            .date(SystemTime::from(self.clock.now()))
            .message_id(Some(format!("<{message_id}@{}>", self.from.domain())))
            .subject(subject)
            // Nobody's absence note shall answer it (RFC 3834).
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .singlepart(SinglePart::plain(text.to_owned()))
            .map_err(|_| Failure::permanent("unfit_message"))
    }

    fn transport(&self) -> Result<Transport, Error> {
        let server = || Error::Setting { setting: "mail.server" };
        let (host, port) = self.settings.host_and_port().ok_or_else(server)?;
        let encryption = match self.settings.tls {
            Encryption::None => Tls::None,
            Encryption::Required if port == PORT_WITH_TLS_FIRST => Tls::Wrapper(self.tls(host)?),
            Encryption::Required => Tls::Required(self.tls(host)?),
        };
        let builder = Transport::builder_dangerous(host)
            .port(port)
            .tls(encryption)
            .hello_name(ClientId::Domain(self.from.domain().to_owned()))
            .timeout(Some(TIMEOUT));
        Ok(match self.credentials()? {
            Some(credentials) => builder.credentials(credentials).build(),
            None => builder.build(),
        })
    }

    fn credentials(&self) -> Result<Option<Credentials>, Error> {
        let (Some(user), Some(file)) = (&self.settings.user, &self.settings.password) else {
            return Ok(None);
        };
        let password = file.read()?;
        let line = password.line().ok_or(Error::Setting { setting: "mail.password" })?;
        Ok(Some(Credentials::new(user.clone(), line.to_owned())))
    }

    fn tls(&self, host: &str) -> Result<TlsParameters, Error> {
        let mut parameters = TlsParameters::builder(host.to_owned());
        if let Some(ca) = &self.settings.ca {
            let ca =
                Certificate::from_pem(cara_tls::roots_pem(ca)?.as_bytes()).map_err(Error::Mail)?;
            parameters =
                parameters.certificate_store(CertificateStore::None).add_root_certificate(ca);
        }
        parameters.build_rustls().map_err(Error::Mail)
    }
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mail")
    }
}

impl Failure {
    fn permanent(reason: &'static str) -> Failure {
        Failure { lasting: Lasting::Permanent, reason, everybody: false }
    }

    fn of_everybody(reason: &'static str) -> Failure {
        Failure { lasting: Lasting::Passing, reason, everybody: true }
    }

    /// Permanent is only what the server says of one mailbox. A password that is wrong or a server
    /// that lets nobody in is mended by a person, and the mail then goes out.
    fn of(error: &smtp::Error) -> Failure {
        let passing = |reason| Failure { lasting: Lasting::Passing, reason, everybody: false };
        match error.status().map(u16::from) {
            Some(550..=553 | 556) => Failure::permanent("refused"),
            Some(530 | 534 | 535 | 538) => Failure::of_everybody("not_authenticated"),
            Some(421) => Failure::of_everybody("server_away"),
            Some(500..) => passing("server_refuses"),
            Some(_) => passing("put_off"),
            None if error.is_timeout() => Failure::of_everybody("timeout"),
            None if error.is_tls() || cara_tls::Error::is_behind(error) => {
                Failure::of_everybody("tls")
            }
            // The mail server offers no STARTTLS, or no way to sign on that we know.
            None if error.is_client() => Failure::of_everybody("not_offered"),
            None => Failure::of_everybody("unreachable"),
        }
    }
}
