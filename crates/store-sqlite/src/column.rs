//! How values lie in their columns, both ways.

use cara_domain::Compartment;
use cara_domain::choice::{Action, Choice};
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};
use uuid::Uuid;

use cara_store::{Cause, Digest, ForceNumber, HoldEnd, MappingRef, RecordIndex, SealedSide};
use cara_vault::{Sealed, WrappedKeys};

/// Places for messages in one revision: outbox_row = revision_row * 8 + place.
pub(crate) const MESSAGES_MAX: usize = 8;

/// The revision row that an outbox row belongs to.
pub(crate) fn revision_row(outbox_row: i64) -> i64 {
    outbox_row / MESSAGES_MAX as i64
}

/// Nanoseconds since 1970. A time beyond the year 2262 is kept as the last that fits.
pub(crate) fn from_time(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

/// yyyymmdd
pub(crate) fn from_day(day: Date) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

pub(crate) fn from_action(action: Action) -> i64 {
    match action {
        Action::New => 0,
        Action::Amended => 1,
        Action::Withdrawn => 2,
    }
}

pub(crate) fn from_compartment(compartment: Compartment) -> i64 {
    match compartment {
        Compartment::Offender => 0,
        Compartment::Victim => 1,
    }
}

pub(crate) fn from_end(end: HoldEnd) -> i64 {
    match end {
        HoldEnd::Released => 0,
        HoldEnd::Returned => 1,
        HoldEnd::Superseded => 2,
        HoldEnd::Withdrawn => 3,
        HoldEnd::Corrected => 4,
    }
}

/// Reads columns by name; a value that no writer of ours makes is an error that names the column.
pub(crate) struct Columns<'r, 'stmt>(pub &'r Row<'stmt>);

impl Columns<'_, '_> {
    fn odd(&self, name: &str) -> Error {
        let index = self.0.as_ref().column_index(name).unwrap_or(usize::MAX);
        Error::InvalidColumnType(index, name.to_owned(), Type::Null)
    }

    pub fn time(&self, name: &str) -> Result<Timestamp> {
        self.optional_time(name)?.ok_or_else(|| self.odd(name))
    }

    pub fn optional_time(&self, name: &str) -> Result<Option<Timestamp>> {
        let Some(nanoseconds) = self.0.get::<_, Option<i64>>(name)? else { return Ok(None) };
        Timestamp::from_nanosecond(i128::from(nanoseconds)).map(Some).map_err(|_| self.odd(name))
    }

    pub fn optional_date(&self, name: &str) -> Result<Option<Date>> {
        match self.0.get_ref(name)?.as_str_or_null() {
            Ok(Some(text)) => text.parse().map(Some).map_err(|_| self.odd(name)),
            Ok(None) => Ok(None),
            Err(_) => Err(self.odd(name)),
        }
    }

    pub fn day(&self, name: &str) -> Result<Date> {
        self.optional_day(name)?.ok_or_else(|| self.odd(name))
    }

    /// yyyymmdd
    pub fn optional_day(&self, name: &str) -> Result<Option<Date>> {
        let Some(day) = self.0.get::<_, Option<i64>>(name)? else { return Ok(None) };
        let part = |number: i64| i8::try_from(number).map_err(|_| self.odd(name));
        let year = i16::try_from(day / 10_000).map_err(|_| self.odd(name))?;
        let date = Date::new(year, part(day / 100 % 100)?, part(day % 100)?);
        date.map(Some).map_err(|_| self.odd(name))
    }

    pub fn id(&self, name: &str) -> Result<Uuid> {
        self.array(name).map(Uuid::from_bytes)
    }

    pub fn array<const N: usize>(&self, name: &str) -> Result<[u8; N]> {
        self.optional_array(name)?.ok_or_else(|| self.odd(name))
    }

    pub fn optional_array<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>> {
        match self.0.get_ref(name)?.as_blob_or_null() {
            Ok(Some(bytes)) => bytes.try_into().map(Some).map_err(|_| self.odd(name)),
            Ok(None) => Ok(None),
            Err(_) => Err(self.odd(name)),
        }
    }

    pub fn digest(&self, name: &str) -> Result<Digest> {
        self.array(name).map(Digest)
    }

    pub fn record_index(&self, name: &str) -> Result<Option<RecordIndex>> {
        Ok(self.optional_array(name)?.map(RecordIndex))
    }

    pub fn force(&self) -> Result<ForceNumber> {
        self.0.get("force").map(ForceNumber)
    }

    pub fn sealed<C: cara_vault::CompartmentKey>(&self, name: &str) -> Result<Sealed<C>> {
        self.0.get(name).map(Sealed::from_stored)
    }

    pub fn optional_sealed<C: cara_vault::CompartmentKey>(
        &self,
        name: &str,
    ) -> Result<Option<Sealed<C>>> {
        Ok(self.0.get::<_, Option<Vec<u8>>>(name)?.map(Sealed::from_stored))
    }

    pub fn keys(&self) -> Result<WrappedKeys> {
        Ok(WrappedKeys {
            epoch: self.0.get("epoch")?,
            raw: self.0.get("raw_key")?,
            offender: self.0.get("offender_key")?,
            victim: self.0.get("victim_key")?,
        })
    }

    pub fn mapping(&self) -> Result<MappingRef> {
        Ok(MappingRef {
            name: self.0.get("mapping_name")?,
            version: self.0.get("mapping_version")?,
            sha256: self.0.get("mapping_sha256")?,
        })
    }

    pub fn causes(&self, name: &str) -> Result<Vec<Cause>> {
        let text = self.0.get_ref(name)?.as_str().map_err(|_| self.odd(name))?;
        serde_json::from_str(text).map_err(|_| self.odd(name))
    }

    /// A JSON list of ids.
    pub fn ids(&self, name: &str) -> Result<Vec<Uuid>> {
        let text = self.0.get_ref(name)?.as_str().map_err(|_| self.odd(name))?;
        serde_json::from_str(text).map_err(|_| self.odd(name))
    }

    pub fn action(&self) -> Result<Action> {
        match self.0.get("action")? {
            0 => Ok(Action::New),
            1 => Ok(Action::Amended),
            2 => Ok(Action::Withdrawn),
            _ => Err(self.odd("action")),
        }
    }

    pub fn compartment(&self) -> Result<Compartment> {
        match self.0.get("compartment")? {
            0 => Ok(Compartment::Offender),
            1 => Ok(Compartment::Victim),
            _ => Err(self.odd("compartment")),
        }
    }

    /// One of a closed list of the domain. `Err`: a text that this version does not know, which must not keep other rows from being read.
    pub fn known<T: Choice>(&self, name: &str) -> Result<Result<T, String>> {
        let code = self.0.get_ref(name)?.as_str().map_err(|_| self.odd(name))?;
        Ok(T::from_code(code).ok_or_else(|| code.to_owned()))
    }

    /// A body under the key of the row's compartment.
    pub fn side(&self) -> Result<SealedSide> {
        Ok(match self.compartment()? {
            Compartment::Offender => SealedSide::Offender(self.sealed("body")?),
            Compartment::Victim => SealedSide::Victim(self.sealed("body")?),
        })
    }

    /// How and when a hold ended.
    pub fn ended(&self) -> Result<Option<(HoldEnd, Timestamp)>> {
        let end = match self.0.get::<_, Option<i64>>("ended")? {
            None => return Ok(None),
            Some(0) => HoldEnd::Released,
            Some(1) => HoldEnd::Returned,
            Some(2) => HoldEnd::Superseded,
            Some(3) => HoldEnd::Withdrawn,
            Some(4) => HoldEnd::Corrected,
            Some(_) => return Err(self.odd("ended")),
        };
        Ok(Some((end, self.time("ended_at")?)))
    }
}
