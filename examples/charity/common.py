"""What both sides of a charity share: a small database, the connection, the way outcomes leave.

The rules that matter are in `Desk.take` and `Desk.send`:

* a message is acknowledged only after the commit that holds it;
* ids that were seen are dropped, and so is a snapshot whose revision is not above the last one;
* a message of a type that nobody here knows is acknowledged and logged, never an error;
* an outcome gets its number and its id in the transaction that stores it, and is sent again,
  unchanged, until the broker has confirmed it.
"""

import argparse
import datetime
import json
import sqlite3
import uuid
import zoneinfo

import pika

SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (message_id TEXT PRIMARY KEY, day TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS decision (
    decision_id TEXT PRIMARY KEY, referral_id TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS prompt (
    message_id TEXT PRIMARY KEY, referral_id TEXT NOT NULL, what TEXT NOT NULL,
    due_by TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS referral (
    referral_id TEXT PRIMARY KEY, revision INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outcome (
    outcome_id TEXT PRIMARY KEY, referral_id TEXT NOT NULL, number INTEGER NOT NULL,
    data TEXT NOT NULL, sent INTEGER NOT NULL DEFAULT 0, UNIQUE (referral_id, number));
CREATE TABLE IF NOT EXISTS rejection (rejection_id TEXT PRIMARY KEY, data TEXT NOT NULL);
"""


# A full snapshot each: the newest replaces the one before.
SNAPSHOTS = {"referral.new", "referral.amended", "referral.withdrawn", "victim.new",
             "victim.amended", "victim.withdrawn", "victim.recalled"}

LONDON = zoneinfo.ZoneInfo("Europe/London")


def day_of(time):
    """The day in Europe/London of a message's own time: the same on both ends."""
    moment = datetime.datetime.fromisoformat(time.split(".")[0].removesuffix("Z"))
    return moment.replace(tzinfo=datetime.timezone.utc).astimezone(LONDON).date().isoformat()


class Desk:
    """One side of a charity: its database, its queue, its exchange."""

    def __init__(self, url, provider, database, queue, rejected, exchange, event_type):
        self.provider = provider
        self.queue = f"cara.{queue}.{provider}"
        self.rejected = f"cara.{rejected}.{provider}"
        self.exchange = f"cara.{exchange}.{provider}"
        self.event_type = event_type
        self.database = sqlite3.connect(database)
        self.database.executescript(SCHEMA)
        parameters = pika.URLParameters(url)
        self.user = parameters.credentials.username
        self.connection = pika.BlockingConnection(parameters)
        self.channel = self.connection.channel()
        self.channel.basic_qos(prefetch_count=32)
        self.channel.confirm_delivery()

    def work(self, handle, handle_other, idle_s):
        """Reads until nothing has come for `idle_s` seconds; for ever when that is None."""
        self.send()
        while True:
            quiet = True
            for queue in (self.queue, self.rejected):
                while True:
                    method, properties, body = self.channel.basic_get(queue)
                    if method is None:
                        break
                    quiet = False
                    if queue == self.rejected:
                        self.note_rejection(properties.message_id, body)
                    else:
                        self.take(properties.message_id, body, handle, handle_other)
                    self.channel.basic_ack(method.delivery_tag)
            self.send()
            if quiet:
                if idle_s is not None and idle_s <= 0:
                    return
                # Keeps the heartbeat going while it waits.
                self.connection.sleep(0.2)
                idle_s = None if idle_s is None else idle_s - 0.2

    def take(self, message_id, body, handle, handle_other):
        """Stores one message and what follows from it, in one transaction."""
        event = json.loads(body)
        data = event["data"]
        kind = event["type"].removeprefix("uk.cara.").removesuffix(".v1")
        with self.database as transaction:
            fresh = transaction.execute(
                "INSERT OR IGNORE INTO seen VALUES (?, ?)", (message_id, day_of(event["time"]))
            ).rowcount
            if not fresh:
                return
            if kind not in SNAPSHOTS:
                if not handle_other(self, transaction, kind, message_id, data):
                    print(f"ignored a message of type {event['type']}", flush=True)
                return
            last = transaction.execute(
                "SELECT revision FROM referral WHERE referral_id = ?", (data["referral_id"],)
            ).fetchone()
            if last is not None and data["revision"] <= last[0]:
                return
            handle(self, transaction, kind, data, last is None)

    def keep(self, transaction, kind, data):
        """The newest snapshot replaces the one before."""
        transaction.execute(
            "INSERT OR REPLACE INTO referral VALUES (?, ?, ?, ?)",
            (data["referral_id"], data["revision"], kind, json.dumps(data)),
        )

    def report(self, transaction, referral_id, revision_seen, kind, **members):
        """Stores an outcome with the next number; `send` publishes it."""
        number = transaction.execute(
            "SELECT coalesce(max(number), 0) + 1 FROM outcome WHERE referral_id = ?", (referral_id,)
        ).fetchone()[0]
        now = datetime.datetime.now(datetime.timezone.utc)
        outcome = {
            "outcome_id": str(uuid.uuid4()),
            "referral_id": referral_id,
            "number": number,
            "revision_seen": revision_seen,
            "kind": kind,
            "happened_on": now.date().isoformat(),
            "recorded_at": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
            **members,
        }
        transaction.execute(
            "INSERT INTO outcome (outcome_id, referral_id, number, data) VALUES (?, ?, ?, ?)",
            (outcome["outcome_id"], referral_id, number, json.dumps(outcome)),
        )
        return outcome["outcome_id"]

    def forget(self, transaction, referral_id):
        """Destroys what earlier messages said; the outcomes are codes and stay for their numbers."""
        for table in ("referral", "decision", "prompt"):
            transaction.execute(f"DELETE FROM {table} WHERE referral_id = ?", (referral_id,))

    def count(self, day):
        """Tells the gateway what came and went on a day that is over, so that both can compare."""
        seen = self.database.execute("SELECT message_id FROM seen WHERE day = ?", (day,))
        outcomes = [json.loads(data) for (data,) in
                    self.database.execute("SELECT data FROM outcome WHERE sent = 1")]
        counted = {
            "day": day,
            "messages": [message_id for (message_id,) in seen],
            "outcomes": [outcome["outcome_id"] for outcome in outcomes
                         if day_of(outcome["recorded_at"]) == day],
        }
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        self.publish(str(uuid.uuid4()), "uk.cara.reconciliation.v1", now, counted)
        print(f"{day}: {len(counted['messages'])} messages, {len(counted['outcomes'])} outcomes",
              flush=True)

    def publish(self, message_id, event_type, time, data):
        """Raises when no queue takes it or the broker does not confirm."""
        event = {
            "specversion": "1.0",
            "id": message_id,
            "source": f"/providers/{self.provider}",
            "type": event_type,
            "time": time.replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": data,
        }
        if "referral_id" in data:
            event["subject"] = data["referral_id"]
        self.channel.basic_publish(
            self.exchange,
            "outcome",
            json.dumps(event).encode(),
            pika.BasicProperties(
                delivery_mode=2,
                message_id=message_id,
                content_type="application/cloudevents+json",
                user_id=self.user,
            ),
            mandatory=True,
        )

    def send(self):
        """Publishes what the broker has not confirmed yet, in order of numbers."""
        waiting = self.database.execute(
            "SELECT outcome_id, data FROM outcome WHERE sent = 0 ORDER BY referral_id, number"
        ).fetchall()
        for outcome_id, data in waiting:
            outcome = json.loads(data)
            self.publish(outcome_id, self.event_type, outcome["recorded_at"], outcome)
            with self.database as transaction:
                transaction.execute(
                    "UPDATE outcome SET sent = 1 WHERE outcome_id = ?", (outcome_id,)
                )

    def note_rejection(self, message_id, body):
        """What the gateway could not apply is for a person to read."""
        data = json.loads(body)["data"]
        with self.database as transaction:
            transaction.execute(
                "INSERT OR IGNORE INTO rejection VALUES (?, ?)", (message_id, json.dumps(data))
            )
            if any(problem["code"] == "O205" for problem in data["problems"]):
                # A restored backup did not know the numbers that were used after it.
                self.renumber(transaction, data["outcome_id"])
        for problem in data["problems"]:
            print(f"rejected {data.get('outcome_id')}: {problem['code']} {problem['name']} "
                  f"{problem.get('member', '')}: {problem['fix']}", flush=True)

    def renumber(self, transaction, outcome_id):
        """Gives an outcome the next number of its referral; `send` publishes it again."""
        row = transaction.execute(
            "SELECT referral_id, data FROM outcome WHERE outcome_id = ?", (outcome_id,)
        ).fetchone()
        if row is None:
            return
        number = transaction.execute(
            "SELECT max(number) + 1 FROM outcome WHERE referral_id = ?", (row[0],)
        ).fetchone()[0]
        outcome = {**json.loads(row[1]), "number": number}
        transaction.execute(
            "UPDATE outcome SET number = ?, data = ?, sent = 0 WHERE outcome_id = ?",
            (number, json.dumps(outcome), outcome_id),
        )

    def revision_of(self, referral_id):
        row = self.database.execute(
            "SELECT revision FROM referral WHERE referral_id = ?", (referral_id,)
        ).fetchone()
        if row is None:
            raise SystemExit(f"{referral_id} has not arrived here")
        return row[0]


def main(about, handle, handle_other, **names):
    """The command line of one side; `names` are its queues, exchange and event type."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--url", required=True, help="amqp://user:password@host:port/cara.provider")
    parser.add_argument("--provider", required=True)
    parser.add_argument("--database", required=True)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="read the queue and send what waits")
    run.add_argument("--idle", type=float, help="end after so many quiet seconds")
    report = commands.add_parser("report", help="report one outcome")
    report.add_argument("referral_id")
    report.add_argument("kind")
    report.add_argument("members", nargs="*", help="name=JSON, such as part=1 on='\"2026-05-09\"'")
    reconcile = commands.add_parser("reconcile", help="tell the gateway what a day held")
    reconcile.add_argument("day", help="a day in Europe/London that is over, such as 2026-05-09")
    options = parser.parse_args()
    desk = Desk(options.url, options.provider, options.database, **names)
    if options.command == "report":
        members = dict(member.split("=", 1) for member in options.members)
        members = {name: json.loads(value) for name, value in members.items()}
        with desk.database as transaction:
            revision = desk.revision_of(options.referral_id)
            desk.report(transaction, options.referral_id, revision, options.kind, **members)
        desk.send()
    elif options.command == "reconcile":
        desk.send()
        desk.count(options.day)
    else:
        desk.work(handle, handle_other, options.idle)
