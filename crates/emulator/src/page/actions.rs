//! The actions of the page, which are form posts. They are protected as the control API is, and by a secret that only this
//! page knows.

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, StatusCode};

use crate::control::{Guard, Problem};
use crate::message::{Request, Response, form_fields};
use crate::server::Shared;

/// Performs an action, and returns to the page.
pub(super) fn respond(shared: &Shared, request: &Request, action: &str) -> Result<Response, Problem> {
    let fields = permitted(&shared.guard, request)?;
    let fields = Fields(fields);
    let services = shared.services.all();
    let outcome = services.iter().find_map(|service| service.act(action, &|name| fields.get(name)));
    let notice = outcome.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no such action"))?;
    let notice = notice.map_err(Problem::invalid)?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = format!("/?notice={notice}");
    response
        .headers_mut()
        .insert(LOCATION, HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/")));
    Ok(response)
}

struct Fields(Vec<(String, String)>);

impl Fields {
    fn get(&self, name: &str) -> String {
        let field = self.0.iter().find(|(key, _)| key == name);
        field.map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// The fields of a post that the page has sent.
fn permitted(guard: &Guard, request: &Request) -> Result<Vec<(String, String)>, Problem> {
    guard.check_reachable()?;
    guard.check_source(request)?;
    if request.method != Method::POST {
        return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "an action is a POST request"));
    }
    let kind = request.header(CONTENT_TYPE).and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "an action is the post of a form"));
    }
    let text = std::str::from_utf8(&request.body).ok();
    let fields = text.and_then(form_fields).ok_or_else(|| Problem::invalid("the form is not UTF-8"))?;
    let get = |name: &str| fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    guard.check_form(get("key"), get("control_token"))?;
    Ok(fields)
}
