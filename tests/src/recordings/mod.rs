//! Exchanges with the real services, played against the emulator over a real socket by a client that shares no code with
//! ours. What is arranged before an exchange differs per service; reading, sending and comparing is here.

mod compare;
mod eventgrid;
mod webpubsub;

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;
use service_core::BoxError;

pub use self::eventgrid::play as play_eventgrid;
pub use self::webpubsub::play as play_webpubsub;

/// A file of exchanges, and the HTTP client that plays them.
#[derive(Debug)]
pub struct Recordings {
    exchanges: Vec<Exchange>,
    client: reqwest::Client,
}

/// One request and the response of a real service.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Its line in the file, from 1.
    pub line: usize,
    /// The recording that it stems from; ids are consistent within one.
    pub source: String,
    /// The operation in the file's words.
    pub operation: String,
    method: Method,
    /// Path and query.
    target: String,
    request: Message,
    status: u16,
    response: Message,
}

/// Headers and body of a request or a response.
#[derive(Debug, Clone)]
struct Message {
    headers: Vec<(String, String)>,
    body: Value,
}

/// The emulator's response.
#[derive(Debug)]
struct Received {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

/// What came of playing a file: a line for each exchange that is not as the table of exceptions has it.
///
/// # Errors
///
/// A file that is not as described in its README.
pub async fn surprises<F>(
    file: &str,
    exceptions: &[(&[usize], &str)],
    play: impl Fn(Exchange, Arc<Recordings>) -> F,
) -> Result<Vec<String>, BoxError>
where
    F: Future<Output = Result<Vec<String>, BoxError>>,
{
    let recordings = Arc::new(Recordings::load(file)?);
    let mut surprises = Vec::new();
    for exchange in &recordings.exchanges {
        let at = format!("{file}:{} {} {}", exchange.line, exchange.method, exchange.target);
        let exception = exceptions.iter().find(|(lines, _)| lines.contains(&exchange.line));
        // What cannot be arranged is a difference as well.
        let differences = play(exchange.clone(), Arc::clone(&recordings))
            .await
            .unwrap_or_else(|error| vec![error.to_string()]);
        match exception {
            Some((_, reason)) if differences.is_empty() => {
                surprises.push(format!("{at}: comes out alike and needs no exception ({reason})"));
            }
            None if !differences.is_empty() => surprises.push(format!("{at}: {}", differences.join("; "))),
            _ => {}
        }
    }
    let named = exceptions.iter().flat_map(|(lines, _)| lines.iter());
    let unknown = named.filter(|line| !(1..=recordings.exchanges.len()).contains(*line));
    surprises.extend(unknown.map(|line| format!("{file}:{line} is no line")));
    Ok(surprises)
}

impl Recordings {
    /// Reads a file of `tests/data/recordings`.
    fn load(file: &str) -> Result<Self, BoxError> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/recordings").join(file);
        let text = std::fs::read_to_string(path)?;
        let lines = text.lines().zip(1..);
        let exchanges = lines.map(|(text, line)| Exchange::read(line, &serde_json::from_str(text)?));
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { exchanges: exchanges.collect::<Result<_, BoxError>>()?, client })
    }
}

impl Exchange {
    fn read(line: usize, value: &Value) -> Result<Self, BoxError> {
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(format!("line {line}: {value}"));
        let (request, response) = (&value["request"], &value["response"]);
        let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        Ok(Self {
            line,
            source: text(&value["source"])?,
            operation: text(&value["operation"])?,
            method: text(&request["method"])?.parse()?,
            target: text(&request["target"])?,
            request: Message::read(request),
            status: status.ok_or("no status")?,
            response: Message::read(response),
        })
    }

    /// The path's raw segments.
    fn segments(&self) -> Vec<&str> {
        let path = self.target.split('?').next().unwrap_or_default();
        path.split('/').skip(1).collect()
    }
}

impl Message {
    fn read(value: &Value) -> Self {
        let headers = value["headers"].as_object().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
            body: value["body"].clone(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The headers that are the client's own to choose: it counts its body itself.
    fn sent_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        headers.filter(|(name, _)| *name != "content-length")
    }

    fn bytes(&self) -> Result<Vec<u8>, BoxError> {
        match &self.body {
            Value::Null => Ok(Vec::new()),
            Value::String(text) => Ok(text.clone().into_bytes()),
            Value::Object(object) if object.len() == 1 && object.contains_key("base64") => {
                Ok(STANDARD.decode(object["base64"].as_str().unwrap_or_default())?)
            }
            json => Ok(serde_json::to_vec(json)?),
        }
    }
}

/// Sends a request and reads the complete response.
async fn send(request: reqwest::RequestBuilder) -> Result<Received, BoxError> {
    let response = request.send().await.map_err(reqwest::Error::without_url)?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.map_err(reqwest::Error::without_url)?;
    Ok(Received { status, headers, body })
}
