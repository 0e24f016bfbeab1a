//! Request coalescing: who asks for what is being fetched waits for that.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use kinora_store::StoreError;
use tokio::{
    runtime::{Handle, Id},
    task::JoinHandle,
};

/// A failure that many hear of.
pub(crate) type Failure = Arc<StoreError>;

type Landing<V> = Result<Option<V>, Failure>;
type Flight<V> = Shared<BoxFuture<'static, Landing<V>>>;

/// What is being fetched, by key. Nothing that landed is remembered, failures least of all.
#[derive(Clone)]
pub(crate) struct Flights<K, V> {
    flying: Arc<Mutex<HashMap<K, Awaited<V>>>>,
}

/// A flight as each runtime waits for it, first the one that fetches. Who wakes a task of another
/// thread takes a lock and calls the system for each, so a thousand who wait elsewhere would keep
/// back the one who asked first: one task there is woken, and wakes the others.
struct Awaited<V> {
    on: Vec<(Id, Flight<V>)>,
}

/// How an answer was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    /// It was in memory.
    Hit,
    /// It had to be fetched.
    Miss,
    /// It was being fetched already.
    Joined,
}

impl<K, V> fmt::Debug for Flights<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").finish_non_exhaustive()
    }
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self { flying: Arc::default() }
    }
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + fmt::Display + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What `kept` finds, or what is or will be fetched under `key`. `fetch` puts what it fetched
    /// where `kept` finds it, and goes on when the one who asked first has gone.
    pub(crate) async fn join<F>(
        &self,
        key: &K,
        kept: impl Fn() -> Option<V>,
        fetch: impl FnOnce() -> F,
    ) -> Result<Option<(V, Got)>, Failure>
    where
        F: Future<Output = Landing<V>> + Send + 'static,
    {
        if let Some(value) = kept() {
            return Ok(Some((value, Got::Hit)));
        }
        let (flight, got) = {
            let mut flying = self.lock();
            // It may have landed since.
            if let Some(value) = kept() {
                return Ok(Some((value, Got::Hit)));
            }
            match flying.get_mut(key) {
                Some(awaited) => (awaited.here(key), Got::Joined),
                None => {
                    let flight = self.depart(key.clone(), fetch());
                    let on = vec![(Handle::current().id(), flight.clone())];
                    flying.insert(key.clone(), Awaited { on });
                    (flight, Got::Miss)
                }
            }
        };
        Ok(flight.await?.map(|value| (value, got)))
    }

    fn depart(
        &self,
        key: K,
        fetch: impl Future<Output = Landing<V>> + Send + 'static,
    ) -> Flight<V> {
        let name = key.to_string();
        let landing = Removal { flights: self.clone(), key };
        let task = tokio::spawn(async move {
            let landed = fetch.await;
            drop(landing);
            landed
        });
        outcome(task, name)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Awaited<V>>> {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Clone + Send + Sync + 'static> Awaited<V> {
    /// The flight, for who waits on this runtime.
    fn here(&mut self, key: &impl fmt::Display) -> Flight<V> {
        let here = Handle::current().id();
        if let Some((_, flight)) = self.on.iter().find(|(id, _)| *id == here) {
            return flight.clone();
        }
        let first = self.on.first().expect("who departs is on the list").1.clone();
        let flight = outcome(tokio::spawn(first), key.to_string());
        self.on.push((here, flight.clone()));
        flight
    }
}

/// What a task lands with, for all who wait on its runtime.
fn outcome<V: Clone + Send + Sync + 'static>(
    task: JoinHandle<Landing<V>>,
    key: String,
) -> Flight<V> {
    let landed = async move {
        task.await.unwrap_or_else(|panicked| {
            let source = std::io::Error::other(panicked);
            Err(Arc::new(StoreError::Io { key, action: "read", source }))
        })
    };
    landed.boxed().shared()
}

/// Takes a flight off the list, however it ended.
struct Removal<K: Eq + Hash, V> {
    flights: Flights<K, V>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Removal<K, V> {
    fn drop(&mut self) {
        let flying = self.flights.flying.lock();
        flying.unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use futures::future::join_all;

    use super::*;

    fn failure() -> Failure {
        Arc::new(StoreError::Corrupt { key: "k".into(), what: "test".into() })
    }

    #[tokio::test]
    async fn one_fetches_for_all_and_failures_are_everybodys() {
        let flights = Flights::<String, u32>::default();
        let fetched = AtomicU32::new(0);
        for fails in [false, true] {
            fetched.store(0, Ordering::SeqCst);
            let ask = async || {
                let fetch = || {
                    fetched.fetch_add(1, Ordering::SeqCst);
                    async move {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        if fails { Err(failure()) } else { Ok(Some(7)) }
                    }
                };
                flights.join(&"k".to_owned(), || None, fetch).await
            };
            let all = join_all((0..1000).map(|_| ask())).await;
            assert_eq!(fetched.load(Ordering::SeqCst), 1, "of {}", all.len());
            assert!(all.iter().all(|one| one.is_err() == fails));
            assert!(ask().await.is_err() == fails, "and not remembered");
            assert_eq!(fetched.load(Ordering::SeqCst), 2);
        }
    }

    #[tokio::test]
    async fn who_asked_first_may_go_and_a_panic_is_a_failure() {
        let flights = Flights::<String, u32>::default();
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(Some(7))
        };
        let key = "k".to_owned();
        let first = flights.join(&key, || None, slow);
        assert!(tokio::time::timeout(Duration::from_millis(5), first).await.is_err());
        let second = flights.join(&key, || None, || async { unreachable!("it is on its way") });
        assert_eq!(second.await.unwrap(), Some((7, Got::Joined)));

        let panics = flights.join(&key, || None, || async { panic!("as a test may") });
        assert!(panics.await.is_err());
        assert!(flights.join(&key, || None, slow).await.is_ok(), "the list is clean");
    }

    #[test]
    fn all_runtimes_hear_of_one_landing() {
        let flights = Flights::<String, u32>::default();
        let fetched = Arc::new(AtomicU32::new(0));
        let (land, landed) = tokio::sync::watch::channel(false);
        let ask = || {
            let (flights, fetched, mut landed) =
                (flights.clone(), Arc::clone(&fetched), landed.clone());
            async move {
                let fetch = || async move {
                    fetched.fetch_add(1, Ordering::SeqCst);
                    let _ = landed.wait_for(|landed| *landed).await;
                    Ok(Some(7))
                };
                flights.join(&"k".to_owned(), || None, fetch).await
            }
        };
        let waiting = Arc::new(std::sync::Barrier::new(3));
        let threads = [0, 1].map(|_| {
            let (asks, waiting): (Vec<_>, _) = ((0..10).map(|_| ask()).collect(), waiting.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(async {
                    let all = tokio::spawn(join_all(asks));
                    tokio::task::yield_now().await;
                    waiting.wait();
                    all.await.unwrap()
                })
            })
        });
        waiting.wait();
        assert_eq!(flights.lock().values().map(|awaited| awaited.on.len()).sum::<usize>(), 2);
        land.send_replace(true);
        let answers = threads.into_iter().flat_map(|thread| thread.join().unwrap());
        let got: Vec<_> = answers.map(|answer| answer.unwrap().unwrap()).collect();
        assert_eq!(got.iter().filter(|got| **got == (7, Got::Miss)).count(), 1);
        assert_eq!(got.iter().filter(|got| **got == (7, Got::Joined)).count(), 19);
        assert_eq!(fetched.load(Ordering::SeqCst), 1);
    }
}
