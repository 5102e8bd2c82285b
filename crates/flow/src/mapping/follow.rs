//! The mappings that run follow what is stored and what lies in the folder: a version that another
//! gateway put live, a file that somebody changed. What cannot be taken changes nothing, and a
//! person is told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cara_mapping::diff;

use crate::incident::{self, ClockTrust};
use crate::mapping::activate::{self, Error, MappingFile, NAMES, Unsound};
use crate::mapping::golive;
use crate::mapping::replay::on_own_thread;
use crate::{Failure, Force, Gateway};
use cara_metric::alert::{self, Alerts, MAPPING_REFUSED, MAPPING_UNREADABLE, MAPPING_WAITING};
use cara_store::{ForceNumber, PlanNumber, PlanVersion};

/// Files of the folder that one look counts; more than any force has.
const FILES_MAX: usize = 10_000;
/// How deep the folder is looked into: the force, its examples, a folder of those.
const DEPTH_MAX: usize = 3;

/// Looks, when it is called, for versions and files that have changed.
pub struct Follower {
    gateway: Gateway,
    /// Its changed files go live by themselves; none: they are drafts.
    folder: Option<PathBuf>,
    /// Versions that this gateway cannot compile, by mapping.
    unreadable: BTreeMap<Place, u32>,
    files: BTreeMap<Place, Seen>,
    /// The folder at the last look, and as it was when its files were last read.
    stamp: Stamp,
    read_at: Option<Stamp>,
    /// Incidents that this gateway opened: only it closes them, since others may see other files.
    told: BTreeSet<(String, String)>,
    has_looked: bool,
}

/// A mapping of a force: its slug, `referral`.
type Place = (String, String);
/// Path, change and length of every file.
type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

/// A file as it was when it was last read.
struct Seen {
    sha256: String,
    state: State,
}

/// What has become of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Its text is live, or was before: nothing to do.
    Settled,
    Refused(String),
    /// For two operators.
    Waiting,
}

/// What one look has found that was not so before, and what is wrong now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    pub went_live: Vec<FollowedVersion>,
    /// Files that were refused.
    pub refused: Vec<RefusedFile>,
    /// Files that wait for two operators.
    pub waiting: Vec<WaitingFile>,
    /// Versions that are live elsewhere and cannot be compiled here.
    pub unreadable: Vec<Unreadable>,
    /// Files with a text that was live before and was taken back.
    pub drafts: Vec<String>,
    /// Mappings of which something was wrong and is no longer.
    pub mended: Vec<String>,
    /// Mappings of which another text should be live here; new or not.
    pub wrong: Vec<String>,
}

/// A version that is live now in this gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedVersion {
    /// `hampshire/referral`
    pub mapping: String,
    pub version: u32,
    /// Its file had changed; otherwise another gateway had put it live.
    pub by_file: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedFile {
    pub mapping: String,
    /// Every problem, without anything that an example holds.
    pub problems: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingFile {
    pub mapping: String,
    /// In words.
    pub changes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub mapping: String,
    pub version: u32,
    /// The version that stays live here; none: none was.
    pub live: Option<u32>,
    pub problems: String,
}

impl Follower {
    /// `folder`: where changed files go live by themselves.
    pub fn of(gateway: Gateway, folder: Option<PathBuf>) -> Follower {
        Follower {
            gateway,
            folder,
            unreadable: BTreeMap::new(),
            files: BTreeMap::new(),
            stamp: Stamp::new(),
            read_at: None,
            told: BTreeSet::new(),
            has_looked: false,
        }
    }

    /// One look. A file goes live only after it lay unchanged for two looks, so that none is taken
    /// while it is written; at the first look, whatever is there.
    pub async fn look(&mut self) -> Result<Looked, Failure> {
        let mut looked = Looked::default();
        self.look_at_versions(&mut looked).await?;
        if let Some(folder) = self.folder.clone() {
            self.look_at_folder(&folder, &mut looked).await?;
        }
        self.tell(&mut looked).await?;
        self.has_looked = true;
        Ok(looked)
    }

    async fn look_at_versions(&mut self, looked: &mut Looked) -> Result<(), Failure> {
        for number in self.gateway.store.plan_numbers().await? {
            if !self.gateway.forces.lists(number.force) {
                continue;
            }
            let force = self.gateway.forces.of(number.force);
            let live = self.gateway.live.reference(number.force, &number.name);
            let place = (force.slug.clone(), number.name.clone());
            if live.as_ref().is_some_and(|live| live.version >= number.version) {
                if self.unreadable.remove(&place).is_some() {
                    looked.mended.push(named(&place));
                }
                continue;
            }
            if self.unreadable.get(&place) == Some(&number.version) {
                continue;
            }
            let version = number.version;
            let mapping = named(&place);
            match self.take(number).await? {
                Ok(()) => {
                    if self.unreadable.remove(&place).is_some() {
                        looked.mended.push(named(&place));
                    }
                    looked.went_live.push(FollowedVersion { mapping, version, by_file: false });
                }
                Err(problems) => {
                    self.unreadable.insert(place, version);
                    let live = live.map(|live| live.version);
                    looked.unreadable.push(Unreadable { mapping, version, live, problems });
                }
            }
        }
        Ok(())
    }

    /// Runs a stored version from now on, or says what this gateway cannot read in it.
    async fn take(&self, number: PlanNumber) -> Result<Result<(), String>, Failure> {
        // Versions are never deleted, so one with a number that was just read is there.
        let version =
            self.gateway.store.plan_version(number).await?.ok_or(Failure::missing("a version"))?;
        let compiled = on_own_thread(move || Ok(activate::restore_stored(&version))).await?;
        Ok(match compiled {
            Ok(mapping) => {
                self.gateway.live.swap(mapping);
                self.gateway.letters_wake.notify_one();
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        })
    }

    async fn look_at_folder(&mut self, folder: &Path, looked: &mut Looked) -> Result<(), Failure> {
        let at = folder.to_path_buf();
        let stamp = on_own_thread(move || Ok(stamp_of(&at))).await?;
        let is_still = stamp == self.stamp || !self.has_looked;
        self.stamp = stamp;
        if is_still && self.read_at.as_ref() != Some(&self.stamp) {
            let mut is_whole = true;
            for force in self.gateway.forces.all().cloned().collect::<Vec<_>>() {
                for name in NAMES {
                    is_whole &= self.look_at_file(folder, &force, name, looked).await?;
                }
            }
            self.read_at = is_whole.then(|| self.stamp.clone());
        }
        self.settle(looked);
        Ok(())
    }

    /// What waited or was refused is settled once its very text is live: operators agreed to it.
    fn settle(&mut self, looked: &mut Looked) {
        for (place, seen) in &mut self.files {
            let Ok(force) = self.gateway.forces.with_slug(&place.0) else { continue };
            let live = self.gateway.live.reference(force.code, &place.1);
            let is_live = live.is_some_and(|live| live.sha256 == seen.sha256);
            if is_live && seen.state != State::Settled {
                seen.state = State::Settled;
                looked.mended.push(named(place));
            }
        }
    }

    /// `false`: another version went live at the same moment, so the file has to be read again.
    async fn look_at_file(
        &mut self,
        folder: &Path,
        force: &Force,
        name: &'static str,
        looked: &mut Looked,
    ) -> Result<bool, Failure> {
        let place = (force.slug.clone(), name.to_owned());
        let (folder, of) = (folder.to_path_buf(), force.clone());
        let read = on_own_thread(move || Ok(MappingFile::read(&folder, &of, name))).await?;
        let before = self.files.get(&place);
        let was_wrong = before.is_some_and(|seen| seen.state != State::Settled);
        let (sha256, state) = match read {
            Ok(None) => {
                self.files.remove(&place);
                looked.mended.extend(was_wrong.then(|| named(&place)));
                return Ok(true);
            }
            Ok(Some(file)) => {
                let sha256 = self.gateway.vault.sha256(file.text.as_bytes());
                // A file that was refused may be good now because an example was mended.
                let is_worth_it = before.is_none_or(|seen| {
                    seen.sha256 != sha256 || matches!(seen.state, State::Refused(_))
                });
                if !is_worth_it {
                    return Ok(true);
                }
                let Some(state) = self.judge(file, &sha256, looked).await? else {
                    return Ok(false);
                };
                (sha256, state)
            }
            Err(error) => (String::new(), State::Refused(with_cause(&error))),
        };
        let is_news = self.files.get(&place).is_none_or(|seen| seen.state != state);
        match &state {
            State::Refused(problems) if is_news => looked
                .refused
                .push(RefusedFile { mapping: named(&place), problems: problems.clone() }),
            State::Settled if was_wrong => looked.mended.push(named(&place)),
            _ => {}
        }
        self.files.insert(place, Seen { sha256, state });
        Ok(true)
    }

    /// Takes a file whose text is new, or says why not; none: another version was faster.
    async fn judge(
        &self,
        file: MappingFile,
        sha256: &str,
        looked: &mut Looked,
    ) -> Result<Option<State>, Failure> {
        let gateway = &self.gateway;
        let newest = golive::newest(gateway, file.force, file.name).await?;
        if newest.as_ref().is_some_and(|newest| newest.text == file.text) {
            return Ok(Some(State::Settled));
        }
        // A text that was live before and was taken back stays a draft over a start.
        if !self.has_looked && self.was_live(file.force, file.name, sha256).await? {
            looked.drafts.push(file.path.display().to_string());
            return Ok(Some(State::Settled));
        }
        let (file, checked) = on_own_thread(move || {
            let checked = file.checked();
            Ok((file, checked))
        })
        .await?;
        let checked = match checked {
            Ok(checked) => checked,
            Err(unsound) => return Ok(Some(State::Refused(unsound.for_log()))),
        };
        let twin = golive::twin(gateway, file.force, file.name, &checked.sound).map(Unsound::Twin);
        let not_reached = (!checked.not_reached.is_empty())
            .then(|| Unsound::NotReached(checked.not_reached.clone()));
        if let Some(unsound) = twin.or(not_reached) {
            return Ok(Some(State::Refused(unsound.for_log())));
        }
        let mapping = format!("{}/{}", file.slug, file.name);
        if let Some(changes) = self.sensitive_changes(newest.as_ref(), &file.text) {
            looked.waiting.push(WaitingFile { mapping, changes });
            return Ok(Some(State::Waiting));
        }
        let version = newest.as_ref().map_or(0, |newest| newest.version) + 1;
        let because = match newest {
            Some(_) => "the file had changed",
            None => "the file is new",
        };
        if !activate::store_version(gateway, &file, sha256, version, because).await? {
            return Ok(None);
        }
        let sha256 = sha256.to_owned();
        gateway.live.swap(activate::live(file.force, file.name, checked.sound, version, sha256));
        gateway.letters_wake.notify_one();
        looked.went_live.push(FollowedVersion { mapping, version, by_file: true });
        Ok(Some(State::Settled))
    }

    async fn was_live(
        &self,
        force: ForceNumber,
        name: &str,
        sha256: &str,
    ) -> Result<bool, Failure> {
        let history = self.gateway.store.plan_history(force).await?;
        Ok(history.iter().any(|it| it.name == name && it.sha256 == sha256))
    }

    /// The changes in words, where some of them need two operators.
    fn sensitive_changes(&self, newest: Option<&PlanVersion>, text: &str) -> Option<Vec<String>> {
        let newest = newest.filter(|_| self.gateway.forces.second_operator)?;
        let changes = diff::changes(&newest.text, text);
        let is_sensitive = changes.iter().any(|change| change.is_sensitive);
        is_sensitive.then(|| changes.into_iter().map(|change| change.words).collect())
    }

    /// Opens, repeats and closes this gateway's incidents, and says what is wrong now.
    async fn tell(&mut self, looked: &mut Looked) -> Result<(), Failure> {
        let mut alerts = Alerts::new();
        for place in self.unreadable.keys() {
            alerts.insert((MAPPING_UNREADABLE, named(place)), 1);
        }
        for (place, seen) in &self.files {
            let kind = match &seen.state {
                State::Settled => continue,
                State::Refused(_) => MAPPING_REFUSED,
                State::Waiting => MAPPING_WAITING,
            };
            alerts.insert((kind, named(place)), 1);
        }
        let wrong = alerts.keys().filter(|(kind, _)| *kind != MAPPING_WAITING);
        looked.wrong = wrong.map(|(_, mapping)| mapping.clone()).collect();
        looked.wrong.sort();
        looked.wrong.dedup();
        // What an earlier process left open is closed, or taken over, at the first look.
        if self.has_looked && alerts.is_empty() && self.told.is_empty() {
            return Ok(());
        }
        let mine = |kind: &str, about: &str| {
            alert::is_of_mappings(kind)
                && (!self.has_looked
                    || alerts.iter().any(|((k, it), _)| *k == kind && it == about)
                    || self.told.contains(&(kind.to_owned(), about.to_owned())))
        };
        incident::tell(&self.gateway, alerts.clone(), mine, ClockTrust::Trusted).await?;
        let told = alerts.into_keys().map(|(kind, about)| (kind.to_owned(), about));
        self.told = told.collect();
        Ok(())
    }
}

fn named((slug, name): &Place) -> String {
    format!("{slug}/{name}")
}

/// With what the operating system said.
fn with_cause(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Everything below the folder that a mapping may be made of; what cannot be looked at is left out.
fn stamp_of(folder: &Path) -> Stamp {
    let mut stamp = Stamp::new();
    let mut folders = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let Ok(about) = std::fs::metadata(&path) else { continue };
            if about.is_dir() && depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            } else if about.is_file() && stamp.len() < FILES_MAX {
                stamp.push((path, about.modified().ok(), about.len()));
            }
        }
    }
    stamp.sort();
    stamp
}
