//! The time of a service in another process, by which the gateway signs what it asks of it: a token is
//! good for half a minute, and hosts' clocks may be hours apart.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use kinora_http::cluster::{CLUSTER_TIME, ClusterKeys, Now};
use reqwest::Response;

/// By how many seconds the service's clock is ahead of ours, as far as it told. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceClock(Arc<AtomicI64>);

impl ServiceClock {
    /// The service's time.
    pub(crate) fn now_s(&self, now: &Now) -> i64 {
        now().saturating_add(self.0.load(Ordering::Relaxed))
    }

    /// Whether an answer to `token` says that it is out of its time: then the next is signed by the
    /// time that the answer tells.
    pub(crate) fn hears(
        &self,
        (answer, token): (&Response, &str),
        keys: &ClusterKeys,
        now: &Now,
        service: &'static str,
    ) -> bool {
        let told = answer.headers().get(CLUSTER_TIME);
        let Some(service_s) = told.and_then(|told| keys.hear_time(token, told)) else {
            return false;
        };
        let ahead_s = service_s.saturating_sub(now());
        self.0.store(ahead_s, Ordering::Relaxed);
        tracing::warn!(
            service,
            service.ahead_s = ahead_s,
            "this host's clock is not the service's: requests are signed by the service's"
        );
        true
    }
}
