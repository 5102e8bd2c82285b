//! Everything of the CARA gateway that touches the world. ARCHITECTURE.md draws the rooms.

pub mod clock;
