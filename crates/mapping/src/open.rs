//! How a mapping's neighbours are read: its examples, its base.

/// Opens a file that the mapping names, relative to the mapping's own folder.
pub type OpenFile<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;
