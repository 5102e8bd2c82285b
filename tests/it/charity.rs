//! The charity that `examples/charity` shows, as two processes of its own against the real broker.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::broker::shared;
use crate::decide::{Decided, update};
use crate::patience::eventually;
use crate::record::{XML, record};
use crate::world::World;

/// The distribution's, for which `scripts/install` brings the library.
const PYTHON: &str = "/usr/bin/python3";

struct Side<'w> {
    program: &'static str,
    user: &'static str,
    folder: &'w Path,
}

impl Side<'_> {
    fn database(&self) -> PathBuf {
        self.folder.join(format!("{}.db", self.program))
    }

    fn call(&self, arguments: &[&str]) -> Output {
        Command::new(PYTHON)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/charity").join(self.program))
            .args(["--url", &shared().url(self.user, "isle"), "--provider", "isle", "--database"])
            .arg(self.database())
            .args(arguments)
            // Nothing is left behind in the source.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap()
    }

    /// What it printed; it must have gone well.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.call(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_charity_reads_reports_and_forgets_what_it_saw_twice() {
    let gateway = World::publishing(shared(), "isle").start().await;
    gateway.swept().await;
    let force = gateway.force("hampshire");
    let answer = force.post(XML, record(1).text()).await;
    let referral_id = answer.record(0)["referral_id"].as_str().unwrap().to_owned();
    let page = format!("/v1/referrals/{referral_id}");
    eventually("both messages on their queues", async || {
        let page = force.get(&page).await;
        (page.body["state"] == "sent").then_some(())
    })
    .await;

    let intake = Side { program: "intake.py", user: "isle-intake", folder: &gateway.folder };
    let said = intake.says(&["run", "--idle", "0.5"]);
    assert_eq!(said, format!("{referral_id} has arrived\n"));
    let programme = async |wanted: &str| {
        eventually(wanted, async || {
            let page = force.get(&page).await;
            (page.body["programme"] == wanted).then_some(page)
        })
        .await
    };
    programme("received").await;
    intake.says(&["report", &referral_id, "accepted"]);
    let told = programme("accepted").await;
    assert_eq!(told.body["notices"][0]["kind"], "accepted");

    // What does not fit comes back and says what to do.
    intake.says(&["report", &referral_id, "programme_completed"]);
    let said = eventually("a rejection", async || {
        let said = intake.says(&["run", "--idle", "0.2"]);
        (!said.is_empty()).then_some(said)
    })
    .await;
    assert!(said.contains("O207 contradiction"), "{said}");

    // Hours later the victim's side looks; an amendment is a new snapshot, the same again is none.
    force.post(XML, record(1).wording(2).text()).await;
    eventually("the amendment on its queue", async || {
        let page = force.get(&page).await;
        let revisions = page.body["revisions"].as_array().unwrap().len();
        (page.body["state"] == "sent" && revisions == 2).then_some(())
    })
    .await;
    let said = intake.says(&["run", "--idle", "0.5"]);
    assert_eq!(said, format!("{referral_id} is now referral.amended, revision 2\n"));
    let victims = Side { program: "victims.py", user: "isle-victims", folder: &gateway.folder };
    let said = victims.says(&["run", "--idle", "0.5"]);
    assert_eq!(said, format!("{referral_id}: she agreed to be contacted\n"));
    victims.says(&["report", &referral_id, "victim_contact_status", "status=\"reached\""]);
    let own = std::fs::read(intake.database()).unwrap();
    let hers = |bytes: &[u8]| bytes.windows(12).any(|part| part == b"ASHDOWN-VANE");
    assert!(!hers(&own), "the victim's name reached the offender's side");

    // Police decide; both sides are told, each in its own words.
    let decided = Decided {
        number: 1,
        id: "D1",
        on: jiff::civil::date(2025, 10, 20),
        code: "VARY",
        more: "<NewDeadline>16/01/2099</NewDeadline>".to_owned(),
    };
    assert_eq!(force.post(XML, update(&decided)).await.status, 202);
    let sent = async || {
        eventually("all of it sent", async || {
            let page = force.get(&page).await;
            (page.body["state"] == "sent").then_some(())
        })
        .await;
    };
    sent().await;
    let said = intake.says(&["run", "--idle", "0.5"]);
    assert_eq!(said, format!("{referral_id}: police decided varied\n"));
    let said = victims.says(&["run", "--idle", "0.5"]);
    assert!(said.starts_with(&format!("{referral_id}: caution_varied, tell her by 20")), "{said}");

    // Both count the day; neither misses anything.
    let today = jiff::Zoned::now().in_tz("Europe/London").unwrap().date().to_string();
    let said = intake.says(&["reconcile", &today]);
    assert_eq!(said, format!("{today}: 3 messages, 3 outcomes\n"));
    let said = victims.says(&["reconcile", &today]);
    assert_eq!(said, format!("{today}: 2 messages, 1 outcomes\n"));
    let compared = eventually("both sides compared", async || {
        let told = gateway.command(&["reconcile", "--provider", "isle", "--day", &today]);
        let told = String::from_utf8(told.stdout).unwrap();
        (told.matches("missing here: 0").count() == 2).then_some(told)
    })
    .await;
    assert_eq!(compared.matches("missing at the provider: 0").count(), 2, "{compared}");

    // The charity has lost its database: it gets everything again, and is where it was.
    std::fs::remove_file(intake.database()).unwrap();
    let since = ["--since", "2020-01-01T00:00:00Z", "--because", "its backup is a day old"];
    let resend = gateway.command(&[&["resend", "--provider", "isle"][..], &since].concat());
    assert!(resend.status.success(), "{}", String::from_utf8_lossy(&resend.stderr));
    let said = String::from_utf8(resend.stdout).unwrap();
    assert!(said.starts_with("5 messages wait"), "{said}");
    eventually("all of it sent again", async || {
        let page = force.get(&page).await;
        (page.body["state"] == "sent").then_some(())
    })
    .await;
    let said = intake.says(&["run", "--idle", "0.5"]);
    assert!(said.contains("is now referral.amended, revision 2\n"), "{said}");

    // The case was sent in error: it is destroyed, and that is confirmed.
    let error = Decided { id: "D2", code: "ERR", more: String::new(), ..decided };
    assert_eq!(force.post(XML, update(&error)).await.status, 202);
    programme("withdrawn").await;
    sent().await;
    let said = intake.says(&["run", "--idle", "0.5"]);
    assert!(said.contains(&format!("{referral_id}: recalled, destroyed\n")), "{said}");
    let kept = rusqlite::Connection::open(intake.database()).unwrap();
    for table in ["referral", "decision"] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(kept.query_row(&count, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }

    // Under the other side's user nothing can be read.
    let stranger = Side { program: "intake.py", user: "isle-victims", folder: &gateway.folder };
    assert!(!stranger.call(&["run", "--idle", "0"]).status.success());
}
