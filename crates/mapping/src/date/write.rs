//! Days and times written in a format, for letters.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{DateFormat, Piece};

impl DateFormat {
    /// Whether it has a time of the day.
    pub fn has_time(&self) -> bool {
        self.pieces.contains(&Piece::Hour)
    }

    /// The day; a time that the format has is midnight.
    pub fn write_day(&self, day: Date) -> String {
        self.write(day.to_datetime(jiff::civil::Time::midnight()), false)
    }

    /// The moment: in UTC when the format has `Z`, else as clocks in the zone show it.
    pub fn write_moment(&self, at: Timestamp, zone: &TimeZone) -> String {
        let utc = self.pieces.contains(&Piece::Offset);
        let moment = if utc { TimeZone::UTC.to_datetime(at) } else { zone.to_datetime(at) };
        self.write(moment, false)
    }
}
