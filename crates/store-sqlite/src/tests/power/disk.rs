//! A disk as it is between two writes: what is on it for certain, and what is under way.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
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
    /// All but parts of the last write, by a seed.
    Torn(u64),
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
    /// How many changes made it what it is.
    changes: usize,
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
    /// The file of the last change, and which of those under way it is.
    last: Option<(usize, usize)>,
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
            self.last = Some((*file, self.files[*file].under_way.len()));
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
                change.carry_out(&mut file.certain);
                file.changes += 1;
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

    /// What a cut could leave.
    pub fn image(&self, kept: Kept) -> Image<'_> {
        let mut chance = Chance(match kept {
            Kept::Some(seed) | Kept::Torn(seed) => seed | 1,
            Kept::Nothing | Kept::All => 1,
        });
        let mut names = self.certain_names.clone();
        let named = match kept {
            Kept::Nothing => 0,
            Kept::All | Kept::Torn(_) => self.names_under_way.len(),
            Kept::Some(_) => chance.below(self.names_under_way.len() + 1),
        };
        for naming in &self.names_under_way[..named] {
            naming.carry_out(&mut names);
        }
        let mut pieces: Vec<Piece> = Vec::new();
        for file in names.values() {
            for (number, change) in self.files[*file].under_way.iter().enumerate() {
                let sector = match kept {
                    Kept::Nothing => continue,
                    Kept::All => None,
                    Kept::Torn(_) => match self.last == Some((*file, number)) {
                        true => Some((SECTOR, chance.below(usize::MAX) as u64)),
                        false => None,
                    },
                    Kept::Some(_) => {
                        let sector = [512, 4_096][chance.below(2)];
                        match chance.below(3) {
                            0 => continue,
                            1 => None,
                            _ => Some((sector, chance.below(usize::MAX) as u64)),
                        }
                    }
                };
                let is_kept = |at: usize| {
                    sector.is_none_or(|(bytes, seed)| {
                        Chance(seed ^ (at / bytes) as u64 | 1).below(2) == 0
                    })
                };
                for within in change.sectors().filter(|sector| is_kept(sector.start)) {
                    match pieces.last_mut() {
                        Some(Piece { file: of, number: by, within: before })
                            if (*of, *by, before.end) == (*file, number, within.start) =>
                        {
                            before.end = within.end;
                        }
                        _ => pieces.push(Piece { file: *file, number, within }),
                    }
                }
            }
        }
        Image { disk: self, names, pieces }
    }
}

/// The smallest part that a disk writes whole.
const SECTOR: usize = 512;

impl Change {
    fn carry_out(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Cut { length } => bytes.resize(*length, 0),
            Change::Write { at, data } => {
                let end = at + data.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*at..end].copy_from_slice(data);
            }
        }
    }

    /// The places that it changes, parted at every sector; a cut is whole or not at all.
    fn sectors(&self) -> impl Iterator<Item = Range<usize>> {
        let (start, end) = match self {
            Change::Write { at, data } => (*at, at + data.len()),
            Change::Cut { .. } => (0, 1),
        };
        (start / SECTOR..end.div_ceil(SECTOR))
            .map(move |sector| start.max(sector * SECTOR)..end.min((sector + 1) * SECTOR))
    }
}

/// A part of a change under way that reached the disk.
#[derive(Hash)]
struct Piece {
    file: usize,
    number: usize,
    within: Range<usize>,
}

/// What a cut left.
pub struct Image<'d> {
    disk: &'d Disk,
    names: BTreeMap<String, usize>,
    pieces: Vec<Piece>,
}

impl Image<'_> {
    /// Two images with the same number have the same bytes: the same parts of the same writes on the
    /// same certain ones.
    pub fn number(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (path, file) in &self.names {
            (path, file, self.disk.files[*file].changes).hash(&mut hasher);
        }
        self.pieces.hash(&mut hasher);
        hasher.finish()
    }

    /// Writes it into a folder over whatever lay there, each byte.
    pub fn lay(&self, folder: &Path) {
        for sub in ["data", "anchor"] {
            std::fs::create_dir_all(folder.join(sub)).unwrap();
            for entry in std::fs::read_dir(folder.join(sub)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                if !self.names.contains_key(name) {
                    std::fs::remove_file(&path).unwrap();
                }
            }
        }
        for (path, number) in &self.names {
            let mut open = OpenOptions::new();
            let file =
                open.write(true).create(true).truncate(false).open(folder.join(path)).unwrap();
            let File { certain, under_way, .. } = &self.disk.files[*number];
            file.set_len(certain.len() as u64).unwrap();
            file.write_all_at(certain, 0).unwrap();
            for piece in self.pieces.iter().filter(|piece| piece.file == *number) {
                match &under_way[piece.number] {
                    Change::Cut { length } => file.set_len(*length as u64).unwrap(),
                    Change::Write { at, data } => {
                        let Range { start, end } = piece.within;
                        file.write_all_at(&data[start - at..end - at], start as u64).unwrap();
                    }
                }
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
