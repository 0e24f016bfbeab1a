//! Lanes of jobs: one a class and priority, and one a family of graphics processors besides, for what
//! only workers that have such a one can do.

use kinora_media::Priority;
use kinora_plan::{
    device::EncoderFamily,
    job::{JobClass, JobMessage},
};

/// A lane of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct JobLane {
    class: JobClass,
    device: Option<EncoderFamily>,
    priority: Priority,
}

impl JobLane {
    /// Where a job goes.
    pub(crate) fn of(message: &JobMessage) -> Self {
        let JobMessage { payload, priority, .. } = message;
        Self { class: payload.class(), device: payload.device(), priority: *priority }
    }

    /// The lanes of a worker that does jobs of some classes, and has devices of some families; the
    /// urgent ones first.
    pub(crate) fn all(classes: &[JobClass], devices: &[EncoderFamily]) -> Vec<Self> {
        let common = classes.iter().map(|class| (*class, None));
        let chunks = classes.iter().filter(|class| **class == JobClass::EncodeChunk);
        let special = chunks.flat_map(|class| devices.iter().map(|family| (*class, Some(*family))));
        let kinds: Vec<_> = common.chain(special).collect();
        let mut lanes = Vec::new();
        for priority in Priority::ALL {
            lanes.extend(kinds.iter().map(|&(class, device)| Self { class, device, priority }));
        }
        lanes
    }

    /// What it is called: `encode_chunk`, `encode_chunk.bulk`, `encode_chunk.nvenc.bulk`.
    ///
    /// Those that somebody waits for are called as lanes were when there were no others, and those
    /// for everybody as they were before there were lanes of devices: jobs and workers of the
    /// versions before meet there.
    pub(crate) fn name(self, separator: &str) -> String {
        let bulk = self.is_patient().then_some("bulk");
        let words = [Some(self.class.as_str()), self.device.map(EncoderFamily::as_str), bulk];
        words.into_iter().flatten().collect::<Vec<_>>().join(separator)
    }

    /// The lane of a name.
    pub(crate) fn parse(name: &str, separator: &str) -> Option<Self> {
        let all = Self::all(&JobClass::ALL, &EncoderFamily::DEVICES);
        all.into_iter().find(|lane| lane.name(separator) == name)
    }

    /// Whether only workers with such a device consume it.
    pub(crate) fn is_for_a_device(self) -> bool {
        self.device.is_some()
    }

    /// Whether what is on it may take its time.
    pub(crate) fn is_patient(self) -> bool {
        self.priority == Priority::Bulk
    }

    /// How urgent what is on it is.
    pub(crate) fn priority(self) -> Priority {
        self.priority
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_have_one_name_each_and_the_oldest_keep_theirs() {
        let all = JobLane::all(&JobClass::ALL, &EncoderFamily::DEVICES);
        let names: Vec<_> = all.iter().map(|lane| lane.name(".")).collect();
        assert_eq!(&names[..2], ["probe", "encode_chunk"]);
        assert_eq!(
            &names[6..11],
            [
                "encode_chunk.nvenc",
                "encode_chunk.vaapi",
                "encode_chunk.fake",
                "probe.bulk",
                "encode_chunk.bulk"
            ]
        );
        for (lane, name) in all.iter().zip(&names) {
            assert_eq!(JobLane::parse(name, "."), Some(*lane));
        }
        assert_eq!(JobLane::parse("paint", "."), None);
        assert_eq!(JobLane::parse("probe.nvenc", "."), None);
    }

    #[test]
    fn only_chunks_are_for_devices() {
        let lanes = |classes: &[JobClass], devices: &[EncoderFamily]| {
            JobLane::all(classes, devices).iter().map(|lane| lane.name("/")).collect::<Vec<_>>()
        };
        let nvenc = [EncoderFamily::Nvenc];
        assert_eq!(lanes(&[JobClass::Probe], &nvenc), ["probe", "probe/bulk"]);
        let expected =
            ["encode_chunk", "encode_chunk/nvenc", "encode_chunk/bulk", "encode_chunk/nvenc/bulk"];
        assert_eq!(lanes(&[JobClass::EncodeChunk], &nvenc), expected);
    }
}
