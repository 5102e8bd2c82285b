//! A notice becomes a letter: `mappings/<force>/notice.toml`, the mapping language in reverse. The
//! file names the shape of the letter on the left and fields of the notice on the right; it is
//! compiled once into a [`LetterPlan`], with every problem at once, and tested like every mapping.
//!
//! ```toml
//! format = 1
//! force  = "hampshire"
//! fills  = "letter/1"
//!
//! [target]
//! type  = "xml"                  # xml, json or csv
//! root  = "OccurrenceUpdate"     # json: the one member around it, if any; namespace: xml only
//! dates = "DD/MM/YYYY"           # how days are written; YYYY-MM-DD when not said
//!                                # csv: separator = ",", header = true, line_end = "crlf" or "lf"
//!
//! [deliver]                      # only when the force wants letters pushed
//! to         = "https://notices.hampshire.example/inbox"
//! delivered  = [200, 202]        # answers by which the force has it
//! taken_over = [202]             # of these, the ones by which it says that it has taken it over
//! timeout_s  = 30
//!
//! [fields]                       # written in this order
//! "Notice/@id"  = { from = "notice.notice_id" }
//! "Notice/Kind" = { from = "notice.kind", lookup = "kind" }
//! "Notice/Due"  = { from = "notice.deadline", if_missing = "N/K" }
//! ```
//!
//! - **Paths** on the left begin below the root: elements or members with `/` between them, an
//!   attribute last (`Ref/@type`); in CSV the whole text is a column's name. An element with a text
//!   holds no further ones. A path may have a list of lines: the first with something to say writes.
//! - **`lookup`** gives the force's words and lists every value that the field can have where the
//!   line's `when` lets it write. `notice.reason` may hold several codes with blanks between: each
//!   is looked up; what is of no closed list (the field names of `information_requested`, a code
//!   of the victim's side) is written as it is.
//! - **`apply`** works on what the lookup gives. **`dates`** on a line is for that line alone; a
//!   moment is in UTC when its format has `Z` (and as in RFC 3339 without a format), else in
//!   Europe/London.
//! - **`when`** is one condition over the notice: `notice.kind is one of declined, returned`.
//! - **`if_missing`** is the text that is written when the notice does not have the field; without
//!   it nothing is written (CSV: an empty cell). `if_missing = ""` writes an empty one.
//! - Every value of a JSON letter is a text, numbers and yes or no as well.

pub(super) mod compile;
mod example;
pub(super) mod field;
mod lookup;
pub(super) mod plan;
mod trial;
mod when;

pub use compile::compile;
pub use example::{NoticeExample, example};
pub use field::{FIELDS, Field, LetterFieldShape, LetterFieldSpec};
pub use plan::{LetterDelivery, LetterPlan, RenderedLetter, Unrendered};
pub use trial::run_tests;
