//! Group streams whose parts are numbered: what a reader finds in them, and how they end.

use service_core::BoxError;
use webpubsub::client::StreamReader;

/// How a stream ended, from one point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Without an error.
    Complete,
    /// With an error.
    Failed,
    /// The writer's end was sent, but its outcome is not known.
    Unknown,
}

/// Reads to the end, and passes on the number of each part. A part is `STREAM:PART`.
pub(crate) async fn read(
    reader: &mut StreamReader,
    stream: u64,
    mut part: impl FnMut(u64),
) -> Result<Ending, BoxError> {
    loop {
        match reader.next().await {
            None => return Ok(Ending::Complete),
            Some(Err(_)) => return Ok(Ending::Failed),
            Some(Ok(data)) => {
                let text = data.as_text().and_then(|text| text.split_once(':'));
                let (of, number) = text.ok_or("a part that no writer sent")?;
                if of.parse::<u64>()? != stream {
                    return Err("a part of another stream".into());
                }
                part(number.parse()?);
            }
        }
    }
}
