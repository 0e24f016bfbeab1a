//! The distributed adapter keeps the contract on a real broker, and survives it.
#![allow(clippy::unwrap_used, reason = "a test helper may panic, too")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kinora_media::{JobId, TraceContext, VideoId};
use kinora_plan::{
    device::EncoderFamily,
    job::{JobClass, JobReport, Report},
};
use kinora_queue::{
    AmqpQueue, Event, EventBus, EventData, JobQueue, QueueError, Trust,
    contract::{Fixture, Ports, events, jobs, reports},
};
use kinora_testing::{Authority, RabbitMq};
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicNackOptions, BasicPublishOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use uuid::Uuid;

/// A namespace on a broker.
struct Namespace {
    url: String,
    name: String,
    last: Mutex<Option<Arc<AmqpQueue>>>,
}

impl Namespace {
    fn new(broker: &RabbitMq) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self { url: broker.url(), name, last: Mutex::default() }
    }

    async fn queue(&self) -> Arc<AmqpQueue> {
        Arc::new(opened(&self.url, &self.name, Trust::default).await)
    }
}

#[async_trait]
impl Fixture for Namespace {
    async fn open(&self) -> Ports {
        // The broker learns of a process's death by its connection; the next one begins after that.
        let last = self.last.lock().unwrap().take();
        if let Some(last) = last {
            last.close().await;
        }
        let queue = self.queue().await;
        *self.last.lock().unwrap() = Some(Arc::clone(&queue));
        Ports { jobs: Arc::clone(&queue) as _, events: queue }
    }
}

/// One broker for all: it takes seconds to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let broker = RabbitMq::start();
    macro_rules! contract {
        ($($module:ident::$promise:ident),* $(,)?) => {
            $(
                eprintln!(concat!(stringify!($module), "::", stringify!($promise)));
                $module::$promise(&Namespace::new(&broker)).await;
            )*
        };
    }
    kinora_queue::for_each_promise!(contract);
    an_unreadable_message_is_set_aside_with_the_reason(&broker).await;
    a_closed_queue_says_so(&broker).await;
    the_trace_is_in_the_headers(&broker).await;
    lanes_of_devices_are_made_on_demand(&broker).await;
}

fn report(attempt: u32) -> JobReport {
    let report =
        Report::AudioEncoded { parts: 1, duration: 2, loudness: None, warnings: Vec::new() };
    JobReport { job: JobId(Uuid::nil()), attempt, worker: "test".into(), trace: None, report }
}

async fn an_unreadable_message_is_set_aside_with_the_reason(broker: &RabbitMq) {
    let namespace = Namespace::new(broker);
    let queue = namespace.queue().await;
    let url = broker.url();
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let lane = format!("{}.reports", namespace.name);
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let sent = channel.basic_publish("".into(), lane.into(), options, b"{\"job\":3}", properties);
    sent.await.unwrap().await.unwrap();
    queue.report(&report(2)).await.unwrap();

    let delivery = queue.receive_report().await.unwrap();
    assert_eq!(delivery.report, report(2));
    let dead = format!("{}.dead", namespace.name);
    let get = async || channel.basic_get(dead.as_str().into(), BasicGetOptions::default()).await;
    let dead = get().await.unwrap().unwrap();
    assert_eq!(dead.data, b"{\"job\":3}");
    let headers = dead.properties.headers().as_ref().unwrap().inner();
    let Some(AMQPValue::LongString(reason)) = headers.get("reason") else { panic!("{headers:?}") };
    assert!(reason.to_string().starts_with("unreadable report: "), "{reason}");
    // Who looks at one has it: it is not counted, and comes back when he goes.
    assert_eq!(queue.purge_dead().await.unwrap(), 0);
    dead.acker.nack(BasicNackOptions { requeue: true, ..Default::default() }).await.unwrap();
    assert_eq!((queue.purge_dead().await.unwrap(), queue.purge_dead().await.unwrap()), (1, 0));
    assert!(get().await.unwrap().is_none());
}

/// Who has no devices has no queues for them; what is on one is set aside like anything else.
async fn lanes_of_devices_are_made_on_demand(broker: &RabbitMq) {
    let namespace = Namespace::new(broker);
    let queue = namespace.queue().await;
    let connection =
        Connection::connect(&broker.url(), ConnectionProperties::default()).await.unwrap();
    let lane = format!("{}.jobs.encode_chunk.nvenc.bulk", namespace.name);
    let exists = async || {
        let channel = connection.create_channel().await.unwrap();
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
        let none = FieldTable::default();
        channel.queue_declare(lane.as_str().into(), passive, none).await.is_ok()
    };
    assert!(!exists().await);
    let received = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move {
            let devices = [EncoderFamily::Nvenc];
            JobQueue::receive(queue.as_ref(), &[JobClass::EncodeChunk], &devices).await
        }
    });
    within("the lane", async {
        while !exists().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let channel = connection.create_channel().await.unwrap();
    let junk = async || {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let key = lane.as_str().into();
        let sent = channel.basic_publish("".into(), key, options, b"junk", properties).await;
        sent.unwrap().await.unwrap();
    };
    let dead = format!("{}.dead", namespace.name);
    let get = async || channel.basic_get(dead.as_str().into(), BasicGetOptions::default()).await;
    let found = within("the dead letter", async {
        loop {
            // A queue that was just made loses what it does not confirm.
            junk().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            if let Some(found) = get().await.unwrap() {
                break found;
            }
        }
    })
    .await;
    assert_eq!(found.data, b"junk");
    received.abort();
}

async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
    waited.unwrap_or_else(|_| panic!("{what}: waited for a minute"))
}

/// For tools that know nothing of what is in our messages.
async fn the_trace_is_in_the_headers(broker: &RabbitMq) {
    let namespace = Namespace::new(broker);
    let queue = namespace.queue().await;
    let trace = TraceContext::begin(Uuid::new_v4());
    queue.declare_group("listener").await.unwrap();
    let event = Event {
        id: Uuid::now_v7(),
        producer: "test".into(),
        account: "ada".parse().unwrap(),
        video: VideoId(Uuid::now_v7()),
        aggregate_version: 1,
        occurred_at_us: 1,
        trace: Some(trace),
        data: EventData::Deleted,
    };
    EventBus::publish(queue.as_ref(), &event).await.unwrap();
    let connection =
        Connection::connect(&broker.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let lane = format!("{}.events.listener", namespace.name);
    let got = channel.basic_get(lane.into(), BasicGetOptions::default()).await.unwrap().unwrap();
    let headers = got.properties.headers().as_ref().unwrap().inner();
    assert_eq!(headers["traceparent"], AMQPValue::LongString(trace.to_string().into()));
    let said: serde_json::Value = serde_json::from_slice(&got.data).unwrap();
    assert_eq!(said["traceparent"], trace.to_string());
    queue.report(&JobReport { trace: Some(trace), ..report(1) }).await.unwrap();
    let lane = format!("{}.reports", namespace.name);
    let got = channel.basic_get(lane.into(), BasicGetOptions::default()).await.unwrap().unwrap();
    let headers = got.properties.headers().as_ref().unwrap().inner();
    assert_eq!(headers["traceparent"], AMQPValue::LongString(trace.to_string().into()));
}

async fn a_closed_queue_says_so(broker: &RabbitMq) {
    let queue = Namespace::new(broker).queue().await;
    let waiting = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.receive_report().await }
    });
    tokio::task::yield_now().await;
    queue.close().await;
    assert!(matches!(waiting.await.unwrap(), Err(QueueError::Closed)));
    assert!(matches!(queue.report(&report(1)).await, Err(QueueError::Closed)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_survives_a_killed_broker_and_consumers_find_it_again() {
    let mut broker = RabbitMq::start();
    let queue = Namespace::new(&broker).queue().await;
    for attempt in 1..=20 {
        queue.report(&report(attempt)).await.unwrap();
    }
    let held = queue.receive_report().await.unwrap();
    assert_eq!(held.report, report(1));
    broker.kill();
    assert!(matches!(queue.report(&report(99)).await, Err(QueueError::Broker(_))));
    // Somebody waits all the while.
    let waiting = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.receive_report().await.unwrap() }
    });
    broker.start_again();
    let again = tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap().unwrap();
    // Whoever held the first lost it with the connection: finishing it changes nothing.
    queue.finish_report(held.receipt).await.unwrap();
    let mut seen = vec![again.report.attempt];
    queue.finish_report(again.receipt).await.unwrap();
    while seen.len() < 20 {
        let next = queue.receive_report().await.unwrap();
        seen.push(next.report.attempt);
        queue.finish_report(next.receipt).await.unwrap();
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_behind_tls_is_checked_and_told_who_speaks() {
    // Processes choose the TLS provider once; this is the test's.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = Authority::new();
    let broker = RabbitMq::start_with_tls(&authority);
    let url = format!("amqps://guest:guest@localhost:{}/%2f", broker.address().port());
    let read = |path| std::fs::read_to_string(path).unwrap();
    let authorities = Some(read(authority.certificate()));
    let (certificate, key) = authority.pair("client");
    let known = || Trust {
        authorities: authorities.clone(),
        identity: Some((read(certificate.clone()), read(key.clone()))),
    };
    let queue = opened(&url, "tls", known).await;
    queue.report(&report(1)).await.unwrap();
    assert_eq!(queue.receive_report().await.unwrap().report, report(1));
    queue.close().await;

    let nobody = Trust { authorities: authorities.clone(), identity: None };
    assert!(AmqpQueue::open(&url, "tls", nobody).await.is_err(), "it let in who did not say who");
    let stranger = Trust { authorities: None, ..known() };
    let refused = AmqpQueue::open(&url, "tls", stranger).await.unwrap_err().to_string();
    assert!(refused.contains("certificate"), "{refused}");
}

/// A new broker takes connections a moment before it serves them.
async fn opened(url: &str, name: &str, trust: impl Fn() -> Trust) -> AmqpQueue {
    let mut last = None;
    for _ in 0..100 {
        match AmqpQueue::open(url, name, trust()).await {
            Ok(queue) => return queue,
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the broker lets nobody in: {last:?}");
}
