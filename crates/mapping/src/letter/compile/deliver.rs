//! `[deliver]`: where letters are pushed to, and what the force's answers mean.

use crate::code::MappingCode;
use crate::compile::Compiler;
use crate::compile::table::TableReader;
use crate::letter::plan::LetterDelivery;

/// Headers that the gateway or its HTTP client sets itself, in small letters.
const RESERVED: [&str; 18] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "host",
    "keep-alive",
    "notice-id",
    "notice-sequence",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(crate) const KEYS: [&str; 5] = ["to", "delivered", "taken_over", "timeout_s", "headers"];

pub(super) fn read(reporter: &mut Compiler<'_>, top: &TableReader<'_>) -> Option<LetterDelivery> {
    let table = top.table(reporter, "deliver")?;
    reporter.known_keys(&table, &KEYS);
    reporter.missing(&table, "to", "to = \"https://notices.force.example/inbox\"");
    let to = table.string(reporter, "to").map(|(to, span)| {
        if let Err(what) = address(&to) {
            reporter.report(MappingCode::DELIVERY, span, what);
        }
        to
    });
    let delivered = answers(reporter, &table, "delivered");
    let delivered = delivered.unwrap_or_else(|| LetterDelivery::DELIVERED.to_vec());
    if delivered.is_empty() {
        let what = "no answer would mean that the force has the letter";
        reporter.report(MappingCode::DELIVERY, table.key_span("delivered"), what);
    }
    let taken_over = answers(reporter, &table, "taken_over").unwrap_or_default();
    if let Some(other) = taken_over.iter().find(|answer| !delivered.contains(answer)) {
        let what = format!("{other} takes over what is not even delivered: add it to `delivered`");
        reporter.report(MappingCode::DELIVERY, table.key_span("taken_over"), what);
    }
    let timeout_s = timeout_s(reporter, &table);
    let headers = headers(reporter, &table);
    Some(LetterDelivery { to: to?, delivered, taken_over, timeout_s, headers })
}

/// An https address whose parts mean one thing to every reader.
fn address(to: &str) -> Result<(), String> {
    let Some(rest) = to.strip_prefix("https://") else {
        return Err("letters go over https: write \"https://host/path\"".to_owned());
    };
    if !to.bytes().all(|byte| byte.is_ascii_graphic()) || to.contains(['\\', '<', '>', '"']) {
        return Err("an address holds no blanks and only ASCII letters".to_owned());
    }
    if rest.contains(['@', '#']) {
        return Err("an address names no user, holds no secret and has no #".to_owned());
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner.parse::<core::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(|label| {
            let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=63).contains(&label.len())
                && label.bytes().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        }),
    };
    if !is_host {
        return Err("the address names no host".to_owned());
    }
    match port.map(str::parse::<u16>) {
        None => Ok(()),
        Some(Ok(port)) if port > 0 => Ok(()),
        Some(_) => Err("a port is a number from 1 to 65535".to_owned()),
    }
}

fn answers(reporter: &mut Compiler<'_>, table: &TableReader<'_>, key: &str) -> Option<Vec<u16>> {
    let item = table.get(key)?;
    let span = item.span().unwrap_or_else(|| table.key_span(key));
    let numbers: Option<Vec<i64>> =
        item.as_array().and_then(|array| array.iter().map(|value| value.as_integer()).collect());
    let Some(numbers) = numbers else {
        let what = format!("`{key}` takes a list of numbers: [200, 202]");
        reporter.report(MappingCode::WRONG_TYPE, span, what);
        return None;
    };
    let is_success = |number: &i64| (200..300).contains(number);
    if let Some(other) = numbers.iter().find(|number| !is_success(number)) {
        let what = format!("{other} is no success: answers are from 200 to 299");
        reporter.report(MappingCode::DELIVERY, span, what);
    }
    Some(numbers.into_iter().filter(is_success).map(|number| number as u16).collect())
}

fn timeout_s(reporter: &mut Compiler<'_>, table: &TableReader<'_>) -> u16 {
    let Some((seconds, span)) = table.integer(reporter, "timeout_s") else {
        return LetterDelivery::TIMEOUT_S;
    };
    let fits =
        u16::try_from(seconds).ok().filter(|it| LetterDelivery::TIMEOUT_S_RANGE.contains(it));
    fits.unwrap_or_else(|| {
        let range = LetterDelivery::TIMEOUT_S_RANGE;
        let what = format!("`timeout_s` is from {} to {} seconds", range.start(), range.end());
        reporter.report(MappingCode::WRONG_VALUE, span, what);
        LetterDelivery::TIMEOUT_S
    })
}

fn headers(reporter: &mut Compiler<'_>, table: &TableReader<'_>) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    let Some(table) = table.table(reporter, "headers") else { return headers };
    for (name, name_span) in table.keys() {
        let Some((value, value_span)) = table.string(reporter, &name) else { continue };
        if !is_token(&name) {
            let what = format!("\"{name}\" cannot name a header");
            reporter.report(MappingCode::DELIVERY, name_span, what);
        } else if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
            let what = format!("the header {name} cannot be set here");
            reporter.report(MappingCode::DELIVERY, name_span, what);
        } else if headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            let what = format!("the header {name} stands here twice; case does not count");
            reporter.report(MappingCode::FILLED_TWICE, name_span, what);
        }
        let printed = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if !value.bytes().all(printed) || value.trim() != value {
            let what = format!("the header {name} holds printed ASCII only, no blanks around it");
            reporter.report(MappingCode::DELIVERY, value_span, what);
        }
        headers.push((name, value));
    }
    headers
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &str) -> bool {
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(in_token)
}
