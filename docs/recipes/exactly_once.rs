//! Applies each event once, although it can be delivered more than once. Reads `EVENTGRID_NAMESPACES_ENDPOINT` and
//! `EVENTGRID_NAMESPACES_KEY`.
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use eventgrid_namespaces::{BoxError, CloudEvent, Context, Processor, Receiver, Settlement};

/// Your database: the effects of events, and the events that have already had their effect.
#[derive(Default)]
pub(crate) struct Database(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    handled: HashSet<(String, String)>,
    sold: u64,
}

impl Database {
    /// One transaction: either the event is recorded and has its effect, or neither happens. In SQL, `handled` is a table with
    /// the primary key `(source, id)`. If the insertion into it finds the key, the transaction does nothing else.
    fn sell(&self, event: &CloudEvent, items: u64) -> bool {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = tables.handled.insert((event.source().to_owned(), event.id().to_owned()));
        if is_new {
            tables.sold += items;
        }
        is_new
    }

    pub(crate) fn sold(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sold
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let receiver = Receiver::from_env("orders", "billing")?;
    Ok(processor(receiver, Arc::default())?.run().await?)
}

pub(crate) fn processor(receiver: Receiver, db: Arc<Database>) -> eventgrid_namespaces::Result<Processor> {
    Processor::builder(receiver).concurrency(16).handler(move |event: CloudEvent, _: Context| {
        let db = Arc::clone(&db);
        async move {
            let items = event.data_as::<u64>()?;
            if !db.sell(&event, items) {
                println!("{} was handled before", event.id());
            }
            Ok::<_, BoxError>(Settlement::Acknowledge)
        }
    })
}
