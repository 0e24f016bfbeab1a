//! States, and their words in tables and answers.

use kinora_db::DbError;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            pub(crate) fn parse(word: &str) -> Result<Self, DbError> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err(DbError::stored(stringify!($name), format!("'{other}'"))),
                }
            }
        }
    };
}

words!(
    /// The state of an encode of a video. Moves forward only, `cancelled` from anywhere.
    VideoState {
        /// Being examined, or waiting for it.
        Queued = "queued",
        /// Planned.
        Encoding = "encoding",
        /// All is encoded and published.
        Ready = "ready",
        /// It will not be encoded; there is a reason.
        Failed = "failed",
        /// The video was deleted.
        Cancelled = "cancelled",
    }
);

words!(
    /// The state of a job.
    JobState {
        /// In the backlog.
        Waiting = "waiting",
        /// On the dispatch lane.
        Dispatched = "dispatched",
        /// A worker gave a sign of life.
        Running = "running",
        /// Its result counts.
        Done = "done",
        /// Its failure was final.
        Failed = "failed",
        /// Nobody wants its result any more.
        Cancelled = "cancelled",
    }
);

words!(
    /// Why a title is encoded on the CPU that was planned for a graphics processor.
    SwitchReason {
        /// The device failed.
        Failed = "failed",
        /// No worker that has such a device took what is for it.
        Gone = "gone",
    }
);

words!(
    /// Work on the object store that an encode still needs.
    Chore {
        /// Put the tombstone up and remove the objects.
        Remove = "remove",
        /// Remove what late workers wrote, then the tombstone.
        Forget = "forget",
        /// Remove what lost attempts left behind.
        Sweep = "sweep",
    }
);
