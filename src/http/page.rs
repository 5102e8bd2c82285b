//! `GET /problems/{code}`: the four-part page behind every published code.

use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, web};
use cara_wire::api::ProblemPage;
use cara_wire::rejection;

use super::answer;
use super::problem::{self, ProblemAnswer};
use cara_flow::ForceRefusal;

pub(in crate::http) async fn show(
    request: HttpRequest,
    code: web::Path<String>,
) -> Result<HttpResponse, ProblemAnswer> {
    let page = page(&code).ok_or(ForceRefusal::Absent)?;
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    Ok(match shape(accept.unwrap_or_default()) {
        Shape::Html => {
            HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html(&page))
        }
        Shape::Text => {
            HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text(&page))
        }
        Shape::Json => answer::ok(&page),
    })
}

/// The page behind any published code.
pub fn page(id: &str) -> Option<ProblemPage> {
    let problem = problem::Code::find(id)
        .map(|it| ProblemPage::of(it.id, it.name, [it.means, it.cause, it.fix, it.avoid]));
    let finding = || {
        let it = cara_domain::FindingCode::all().find(|code| code.id() == id)?.page();
        Some(ProblemPage::of(it.id, it.name, [it.means, it.cause, it.fix, it.avoid]))
    };
    let rejection = || {
        let it = rejection::RejectionCode::find(id)?;
        Some(ProblemPage::of(it.id, it.name, [it.means, it.cause, it.fix, it.avoid]))
    };
    let incident = || {
        let it = cara_metric::page(id)?;
        Some(ProblemPage::of(it.name, "incident", [it.means, it.cause, it.fix, it.avoid]))
    };
    let mapping = || cara_flow::mapping::mapping_page(id);
    problem.or_else(finding).or_else(rejection).or_else(incident).or_else(mapping)
}

#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Html,
    Text,
    Json,
}

/// The first of the three that the caller names; JSON when it names none.
fn shape(accept: &str) -> Shape {
    let mut wanted = accept.split(',').map(|part| part.split(';').next().unwrap_or("").trim());
    let shape = wanted.find_map(|media_type| match media_type {
        "text/html" | "application/xhtml+xml" => Some(Shape::Html),
        "text/plain" | "text/*" => Some(Shape::Text),
        "application/json" => Some(Shape::Json),
        _ => None,
    });
    shape.unwrap_or(Shape::Json)
}

fn parts(page: &ProblemPage) -> [(&'static str, &str); 4] {
    [
        ("What it means", &page.means),
        ("Usual cause", &page.cause),
        ("How to fix it", &page.fix),
        ("How to avoid it", &page.avoid),
    ]
}

fn text(page: &ProblemPage) -> String {
    let parts = parts(page).map(|(head, part)| format!("\n{head}\n  {part}\n"));
    format!("{} {}\n{}", page.code, page.name, parts.concat())
}

fn html(page: &ProblemPage) -> String {
    let title = format!("{} {}", escape(&page.code), escape(&page.name));
    let parts = parts(page).map(|(head, part)| format!("<h2>{head}</h2><p>{}</p>", escape(part)));
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <h1>{title}</h1>{}</html>\n",
        parts.concat()
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_chooses_the_shape() {
        for (accept, expected) in [
            ("", Shape::Json),
            ("*/*", Shape::Json),
            ("application/json", Shape::Json),
            ("text/plain;q=0.5", Shape::Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Shape::Html),
        ] {
            assert_eq!(shape(accept), expected, "{accept}");
        }
    }

    #[test]
    fn a_page_has_four_parts_in_every_shape() {
        let page = ProblemPage {
            code: "P1".to_owned(),
            name: "name".to_owned(),
            means: "a < b".to_owned(),
            cause: "cause".to_owned(),
            fix: "fix".to_owned(),
            avoid: "avoid".to_owned(),
        };
        assert!(html(&page).contains("<p>a &lt; b</p>") && html(&page).contains("<p>avoid</p>"));
        assert!(text(&page).starts_with("P1 name\n\nWhat it means\n  a < b\n"));
    }
}
