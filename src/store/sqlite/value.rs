//! Rust values to columns and back. A column that does not read back is an inconsistency of the
//! store, named by its table.

use jiff::Timestamp;
use rusqlite::Row;
use uuid::Uuid;

use super::super::{Action, Cause, Compartment, Digest, Error, HoldEnd, MappingRef};
use super::failed;
use crate::vault::WrappedKeys;

pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(super) fn timestamp(row: &Row<'_>, column: &str) -> Result<Timestamp, Error> {
    let micros: i64 = row.get(column).map_err(failed)?;
    Timestamp::from_microsecond(micros).map_err(|_| strange("a time out of range"))
}

pub(super) fn timestamp_or_none(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, Error> {
    let micros: Option<i64> = row.get(column).map_err(failed)?;
    micros
        .map(|micros| {
            Timestamp::from_microsecond(micros).map_err(|_| strange("a time out of range"))
        })
        .transpose()
}

pub(super) fn uuid(row: &Row<'_>, column: &str) -> Result<Uuid, Error> {
    let bytes: [u8; 16] = row.get(column).map_err(failed)?;
    Ok(Uuid::from_bytes(bytes))
}

pub(super) fn digest(row: &Row<'_>, column: &str) -> Result<Digest, Error> {
    Ok(Digest(row.get(column).map_err(failed)?))
}

pub(super) fn digest_or_none(row: &Row<'_>, column: &str) -> Result<Option<Digest>, Error> {
    Ok(row.get::<_, Option<[u8; 32]>>(column).map_err(failed)?.map(Digest))
}

pub(super) fn date_or_none(
    row: &Row<'_>,
    column: &str,
) -> Result<Option<jiff::civil::Date>, Error> {
    let text: Option<String> = row.get(column).map_err(failed)?;
    text.map(|text| text.parse().map_err(|_| strange("a date that is none"))).transpose()
}

pub(super) fn keys(row: &Row<'_>) -> Result<WrappedKeys, Error> {
    Ok(WrappedKeys {
        epoch: row.get("epoch").map_err(failed)?,
        raw: row.get("key_raw").map_err(failed)?,
        offender: row.get("key_offender").map_err(failed)?,
        victim: row.get("key_victim").map_err(failed)?,
    })
}

pub(super) fn mapping(row: &Row<'_>) -> Result<MappingRef, Error> {
    Ok(MappingRef {
        name: row.get("mapping_name").map_err(failed)?,
        version: row.get("mapping_version").map_err(failed)?,
        sha256: row.get("mapping_sha256").map_err(failed)?,
    })
}

pub(super) fn causes(row: &Row<'_>, column: &str) -> Result<Vec<Cause>, Error> {
    let text: String = row.get(column).map_err(failed)?;
    serde_json::from_str(&text).map_err(|_| strange("causes that are no JSON"))
}

pub(super) fn causes_text(causes: &[Cause]) -> String {
    match serde_json::to_string(causes) {
        Ok(text) => text,
        Err(_) => unreachable!("causes have only text keys"),
    }
}

pub(super) fn action_text(action: Action) -> &'static str {
    match action {
        Action::New => "new",
        Action::Amended => "amended",
        Action::Withdrawn => "withdrawn",
    }
}

pub(super) fn action(row: &Row<'_>) -> Result<Action, Error> {
    match row.get::<_, String>("action").map_err(failed)?.as_str() {
        "new" => Ok(Action::New),
        "amended" => Ok(Action::Amended),
        "withdrawn" => Ok(Action::Withdrawn),
        _ => Err(strange("an unknown action")),
    }
}

pub(super) fn compartment_number(compartment: Compartment) -> i64 {
    match compartment {
        Compartment::Offender => 0,
        Compartment::Victim => 1,
    }
}

pub(super) fn compartment(row: &Row<'_>) -> Result<Compartment, Error> {
    match row.get::<_, i64>("compartment").map_err(failed)? {
        0 => Ok(Compartment::Offender),
        1 => Ok(Compartment::Victim),
        _ => Err(strange("an unknown compartment")),
    }
}

pub(super) fn end_text(end: HoldEnd) -> &'static str {
    match end {
        HoldEnd::Released => "released",
        HoldEnd::Returned => "returned",
        HoldEnd::Superseded => "superseded",
        HoldEnd::Withdrawn => "withdrawn",
    }
}

pub(super) fn end(row: &Row<'_>) -> Result<Option<HoldEnd>, Error> {
    match row.get::<_, String>("state").map_err(failed)?.as_str() {
        "open" => Ok(None),
        "released" => Ok(Some(HoldEnd::Released)),
        "returned" => Ok(Some(HoldEnd::Returned)),
        "superseded" => Ok(Some(HoldEnd::Superseded)),
        "withdrawn" => Ok(Some(HoldEnd::Withdrawn)),
        _ => Err(strange("an unknown state of a hold")),
    }
}

pub(super) fn strange(what: &'static str) -> Error {
    Error::Inconsistent { table: "a row", what }
}
