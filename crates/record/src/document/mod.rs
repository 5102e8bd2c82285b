//! Bytes to a plain tree with positions, one shape for XML, JSON, CSV and fixed width. Text stays
//! text: nothing is read as a number, a date or a truth value here.
