//! The table of metrics in the README, compared with the instruments and with what is recorded.

use std::collections::{BTreeMap, BTreeSet};

use eventgrid_namespaces::{
    AccessToken, BoxError, Context, Credential, INSTRUMENTS, InstrumentKind, Sender, TokenRequest,
};

use super::*;
use crate::processor::broker::{Broker, Fault, event as json_event, run};

const README: &str = include_str!("../../../README.md");

/// The texts in backticks of each cell, for each row that describes a metric.
fn rows() -> Vec<[Vec<&'static str>; 4]> {
    let (_, table) = README.split_once("| Metric | Kind | Unit | Attributes |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let cells = |row: &'static str| -> Vec<Vec<&'static str>> {
        row.trim_matches('|').split('|').map(|cell| cell.split('`').skip(1).step_by(2).collect()).collect()
    };
    rows.map(|row| cells(row).try_into().unwrap()).collect()
}

#[test]
fn the_table_lists_the_instruments_in_their_order() {
    let listed: Vec<_> = rows().into_iter().map(|[name, kind, unit, _]| (name, kind, unit)).collect();
    let kind = |kind| match kind {
        InstrumentKind::Counter => "counter",
        InstrumentKind::UpDownCounter => "up-down counter",
        InstrumentKind::Histogram => "histogram",
    };
    let expected: Vec<_> = INSTRUMENTS
        .iter()
        .map(|instrument| (vec![instrument.name], vec![kind(instrument.kind)], vec![instrument.unit]))
        .collect();
    assert_eq!(listed, expected);
    let names: BTreeSet<_> = INSTRUMENTS.iter().map(|instrument| instrument.name).collect();
    assert_eq!(names.len(), INSTRUMENTS.len());
    for instrument in INSTRUMENTS {
        let is_histogram = instrument.kind == InstrumentKind::Histogram;
        assert_eq!(!instrument.bounds.is_empty(), is_histogram, "{}", instrument.name);
        assert!(instrument.bounds.is_sorted(), "{}", instrument.name);
    }
}

#[tokio::test]
async fn the_table_lists_exactly_the_attributes_that_are_recorded() {
    let mut values = calls().await;
    values.extend(processor().await);
    values.extend(webhook().await);
    let mut recorded = BTreeMap::<_, BTreeSet<_>>::new();
    for value in values {
        recorded.entry(value.instrument.name).or_default().extend(value.attributes.into_keys());
    }
    let listed = rows().into_iter().map(|[name, _, _, keys]| (name[0], keys.into_iter().collect()));
    assert_eq!(recorded, listed.collect());
}

type Values = Vec<service_core::testing::Recorded>;

async fn calls() -> Values {
    let kit = Kit::new();
    let sender = kit.client.sender("orders");
    kit.respond(503, "").respond(200, "{}").respond(400, "");
    sender.send(event("1")).await.unwrap();
    sender.send(event("1")).await.unwrap_err();
    kit.respond(200, &events(&["1"])).settles(&["token-1"], &[]);
    let receiver = kit.client.receiver("orders", "billing");
    assert_eq!(receiver.receive().await.unwrap().len(), 1);
    receiver.acknowledge(["token-1"]).await.unwrap().into_result().unwrap();
    let credential =
        Credential::token(async |_: TokenRequest| Err::<AccessToken, BoxError>("planned".into()));
    let client = NamespaceClient::builder("https://x.example", credential)
        .transport(Arc::new(kit.script.clone()))
        .meter(Arc::new(kit.meter.clone()));
    let sender: Sender = client.build().unwrap().sender("orders");
    sender.send(event("1")).await.unwrap_err();
    kit.meter.values()
}

/// One event whose handler fails after it has lost the lock, and whose release fails too.
async fn processor() -> Values {
    let broker = Broker::new();
    broker.publish(&json_event(0).replace("\"data\"", "\"time\":\"1970-01-01T00:00:00Z\",\"data\""));
    broker.fault("renewLock", Fault::Code("TokenLost")).fault("release", Fault::Code("BadToken"));
    let (builder, meter) = broker.metered();
    let clock = broker.clock.clone();
    let handler = move |_: CloudEvent, _: Context| {
        let clock = clock.clone();
        async move {
            clock.sleep(SECOND * 45).await;
            Err::<(), _>(BoxError::from("planned"))
        }
    };
    let processor = builder.concurrency(1).prefetch(0).handler(handler);
    run(processor, broker.until(50)).await.unwrap();
    meter.values()
}

async fn webhook() -> Values {
    let meter = RecordingMeter::new();
    let (builder, _) = crate::push::webhook();
    let webhook = builder.accept_unverified().meter(Arc::new(meter.clone())).build().unwrap();
    crate::push::send(&webhook, crate::push::post(crate::push::event("1", "fail"))).await;
    meter.values()
}
