//! A disk as it is between two writes: what is on it for certain, and what is under way.

use std::collections::BTreeMap;
use std::path::Path;

/// One thing that the recorded process did to a file; paths are below the recorded folder.
#[derive(Debug)]
pub enum Op {
    Write { path: String, at: usize, data: Vec<u8> },
    Cut { path: String, length: usize },
    Create { path: String },
    Sync { path: String },
    Rename { from: String, to: String },
    Unlink { path: String },
}

/// What the recorder wrote; see `recorder.c`.
pub fn read(mut log: &[u8], folder: &Path) -> Vec<Op> {
    let mut take = |count: usize| {
        let (head, rest) = log.split_at_checked(count)?;
        log = rest;
        Some(head)
    };
    let within = |bytes: &[u8]| {
        let path = Path::new(std::str::from_utf8(bytes).unwrap());
        path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned()
    };
    let mut ops = Vec::new();
    while let Some(kind) = take(1) {
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap()) as usize;
        let path_length = number(take(4).unwrap());
        let length = number(take(4).unwrap());
        let at = u64::from_le_bytes(take(8).unwrap().try_into().unwrap()) as usize;
        let path = within(take(path_length).unwrap());
        let data = take(length).unwrap();
        ops.push(match kind[0] {
            b'W' => Op::Write { path, at, data: data.to_vec() },
            b'T' => Op::Cut { path, length: at },
            b'C' => Op::Create { path },
            b'S' => Op::Sync { path },
            b'R' => Op::Rename { from: path, to: within(data) },
            b'U' => Op::Unlink { path },
            other => panic!("the record has a {other}"),
        });
    }
    ops
}

/// Of what was not synchronised.
#[derive(Clone, Copy, Debug)]
pub enum Kept {
    Nothing,
    All,
    /// By a seed: any part of it, whole or torn.
    Some(u64),
}

enum Change {
    Write { at: usize, data: Vec<u8> },
    Cut { length: usize },
}

#[derive(Default)]
struct File {
    certain: Vec<u8>,
    under_way: Vec<Change>,
}

enum Naming {
    Add { path: String, file: usize },
    Move { from: String, to: String },
    Remove { path: String },
}

impl Naming {
    fn folder(&self) -> &str {
        let (Naming::Add { path, .. } | Naming::Move { to: path, .. } | Naming::Remove { path }) =
            self;
        path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    fn carry_out(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Naming::Add { path, file } => {
                names.insert(path.clone(), *file);
            }
            Naming::Move { from, to } => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Naming::Remove { path } => {
                names.remove(path);
            }
        }
    }
}

#[derive(Default)]
pub struct Disk {
    files: Vec<File>,
    /// As the process sees them.
    names: BTreeMap<String, usize>,
    certain_names: BTreeMap<String, usize>,
    names_under_way: Vec<Naming>,
}

impl Disk {
    pub fn carry_out(&mut self, op: &Op) {
        match op {
            Op::Write { path, at, data } => {
                self.change(path, Change::Write { at: *at, data: data.clone() });
            }
            Op::Cut { path, length } => self.change(path, Change::Cut { length: *length }),
            Op::Create { path } => {
                let file = self.files.len();
                self.files.push(File::default());
                self.name(Naming::Add { path: path.clone(), file });
            }
            Op::Rename { from, to } => {
                self.name(Naming::Move { from: from.clone(), to: to.clone() });
            }
            Op::Unlink { path } => self.name(Naming::Remove { path: path.clone() }),
            Op::Sync { path } => self.sync(path),
        }
    }

    fn change(&mut self, path: &str, change: Change) {
        // A file that was unlinked while it is open can no longer be found after a cut.
        if let Some(file) = self.names.get(path) {
            self.files[*file].under_way.push(change);
        }
    }

    fn name(&mut self, naming: Naming) {
        naming.carry_out(&mut self.names);
        self.names_under_way.push(naming);
    }

    fn sync(&mut self, path: &str) {
        if let Some(file) = self.names.get(path) {
            let file = &mut self.files[*file];
            for change in file.under_way.drain(..) {
                apply(&mut file.certain, &change, |_| true);
            }
            return;
        }
        let waiting = std::mem::take(&mut self.names_under_way);
        for naming in waiting {
            match naming.folder() == path {
                true => naming.carry_out(&mut self.certain_names),
                false => self.names_under_way.push(naming),
            }
        }
    }

    /// Writes what a cut could leave into a folder.
    pub fn lay(&self, folder: &Path, kept: Kept) {
        let mut chance = Chance(match kept {
            Kept::Some(seed) => seed | 1,
            Kept::Nothing | Kept::All => 1,
        });
        let mut names = self.certain_names.clone();
        let named = match kept {
            Kept::Nothing => 0,
            Kept::All => self.names_under_way.len(),
            Kept::Some(_) => chance.below(self.names_under_way.len() + 1),
        };
        for naming in &self.names_under_way[..named] {
            naming.carry_out(&mut names);
        }
        for sub in ["data", "anchor"] {
            std::fs::create_dir_all(folder.join(sub)).unwrap();
        }
        for (path, file) in &names {
            let file = &self.files[*file];
            let mut bytes = file.certain.clone();
            for change in &file.under_way {
                match kept {
                    Kept::Nothing => {}
                    Kept::All => apply(&mut bytes, change, |_| true),
                    Kept::Some(_) => {
                        let sector = [512, 4_096][chance.below(2)];
                        match chance.below(3) {
                            0 => {}
                            1 => apply(&mut bytes, change, |_| true),
                            _ => {
                                let seed = chance.below(usize::MAX) as u64;
                                apply(&mut bytes, change, |at| {
                                    Chance(seed ^ (at / sector) as u64 | 1).below(2) == 0
                                });
                            }
                        }
                    }
                }
            }
            std::fs::write(folder.join(path), bytes).unwrap();
        }
    }
}

/// Carries out a change for the bytes at the places that are kept.
fn apply(bytes: &mut Vec<u8>, change: &Change, is_kept: impl Fn(usize) -> bool) {
    match change {
        Change::Cut { length } => {
            if is_kept(0) {
                bytes.resize(*length, 0);
            }
        }
        Change::Write { at, data } => {
            for (place, byte) in (*at..).zip(data) {
                if !is_kept(place) {
                    continue;
                }
                if place >= bytes.len() {
                    bytes.resize(place + 1, 0);
                }
                bytes[place] = *byte;
            }
        }
    }
}

/// Numbers that a seed alone decides.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        for _ in 0..3 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
        }
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16) as usize % limit.max(1)
    }
}
