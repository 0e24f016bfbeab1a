//! From the channels a decoder gives to those a soundtrack has.

use std::f32::consts::FRAC_1_SQRT_2;

use gstreamer_audio::{AudioChannelPosition as Position, AudioInfo};

use super::sound::Decoded;

/// Channels of the results, in the order the encoder takes them: for 5.1 the order of WAVE files.
/// Surround channels are those behind, because FFmpeg's encoder gives the AAC channel
/// configuration 6 to no other layout.
const STEREO: [Position; 2] = [Position::FrontLeft, Position::FrontRight];
pub(super) const SURROUND: [Position; 6] = [
    Position::FrontLeft,
    Position::FrontRight,
    Position::FrontCenter,
    Position::Lfe1,
    Position::RearLeft,
    Position::RearRight,
];

/// The mixer for what is being decoded; another one when that changes its channels.
pub(crate) struct Mixing {
    outputs: u16,
    current: Option<(AudioInfo, Mixer)>,
}

impl Mixing {
    pub(crate) fn new(outputs: u16) -> Self {
        Self { outputs, current: None }
    }

    /// The samples in the channels of the result, interleaved.
    pub(crate) fn mix(&mut self, decoded: &Decoded) -> Vec<f32> {
        let known = self.current.as_ref().is_some_and(|(info, _)| *info == decoded.info);
        if !known {
            let mixer = Mixer::new(&decoded.info, self.outputs);
            self.current = Some((decoded.info.clone(), mixer));
        }
        let mixer = self.current.as_ref().map(|(_, mixer)| mixer);
        mixer.expect("made above").mix(&decoded.samples)
    }
}

/// Gains from every channel in to every channel out.
#[derive(Debug, Clone, PartialEq)]
struct Mixer {
    inputs: usize,
    outputs: usize,
    /// A row of `inputs` gains for each output.
    gains: Vec<f32>,
}

impl Mixer {
    /// A mixer from the layout of `info` to `outputs` channels: 6 is 5.1, 2 is stereo.
    fn new(info: &AudioInfo, outputs: u16) -> Self {
        let inputs = positions(info);
        let outputs: &[Position] = if outputs == 6 { &SURROUND } else { &STEREO[..outputs.into()] };
        let gain = |output: &Position| {
            let count = inputs.len();
            let from = inputs.iter().enumerate();
            from.map(|(n, input)| match input {
                // Nobody says what these are: turn by turn left and right.
                Position::None if n % 2 == usize::from(*output == Position::FrontRight) => {
                    if is_front(*output) {
                        (count as f32 / 2.0).sqrt().recip()
                    } else {
                        0.0
                    }
                }
                Position::None => 0.0,
                position => gain(*position, *output, outputs, &inputs),
            })
            .collect::<Vec<f32>>()
        };
        let gains = outputs.iter().flat_map(gain).collect();
        Self { inputs: inputs.len(), outputs: outputs.len(), gains }
    }

    /// Mixes interleaved samples.
    fn mix(&self, samples: &[f32]) -> Vec<f32> {
        if self.is_identity() {
            return samples.to_vec();
        }
        let mut mixed = Vec::with_capacity(samples.len() / self.inputs.max(1) * self.outputs);
        for frame in samples.chunks_exact(self.inputs.max(1)) {
            for row in self.gains.chunks_exact(self.inputs.max(1)) {
                mixed.push(row.iter().zip(frame).map(|(gain, sample)| gain * sample).sum());
            }
        }
        mixed
    }

    fn is_identity(&self) -> bool {
        let row = |n: usize| n / self.inputs == n % self.inputs;
        self.inputs == self.outputs
            && self.gains.iter().enumerate().all(|(n, gain)| *gain == f32::from(u8::from(row(n))))
    }
}

fn is_front(position: Position) -> bool {
    matches!(position, Position::FrontLeft | Position::FrontRight)
}

/// How loud `input` is in `output`. To stereo as ITU-R BS.775-3 annex 4 table 2 has it: centre and
/// surrounds 3 dB down, low frequencies left out. To 5.1: what is at the sides and behind shares
/// the surrounds.
fn gain(input: Position, output: Position, outputs: &[Position], inputs: &[Position]) -> f32 {
    use Position::{
        FrontCenter, FrontLeft, FrontLeftOfCenter, FrontRight, FrontRightOfCenter, Lfe1, Mono,
        RearCenter, RearLeft, RearRight, SideLeft, SideRight, SurroundLeft, SurroundRight,
        TopFrontLeft, TopFrontRight, TopRearLeft, TopRearRight, WideLeft, WideRight,
    };
    if input == output {
        return 1.0;
    }
    let both = |side: f32| if is_front(output) { side } else { 0.0 };
    let only = |wanted: Position, gain: f32| if output == wanted { gain } else { 0.0 };
    let surround = outputs.len() > 2;
    // Two pairs share one: the pair behind is added 3 dB down.
    let behind = if inputs.contains(&SideLeft) { FRAC_1_SQRT_2 } else { 1.0 };
    match input {
        // One loudspeaker's signal on two: as loud from the middle as any stereo signal is.
        Mono => both(1.0),
        FrontCenter if inputs.len() == 1 => both(1.0),
        FrontCenter if surround => 0.0,
        FrontCenter => both(FRAC_1_SQRT_2),
        FrontLeftOfCenter | WideLeft | TopFrontLeft => only(FrontLeft, FRAC_1_SQRT_2),
        FrontRightOfCenter | WideRight | TopFrontRight => only(FrontRight, FRAC_1_SQRT_2),
        SideLeft | SurroundLeft if surround => only(RearLeft, 1.0),
        SideRight | SurroundRight if surround => only(RearRight, 1.0),
        RearLeft | TopRearLeft if surround => only(RearLeft, behind),
        RearRight | TopRearRight if surround => only(RearRight, behind),
        RearCenter if surround => match output {
            RearLeft | RearRight => FRAC_1_SQRT_2,
            _ => 0.0,
        },
        SideLeft | SurroundLeft => only(FrontLeft, FRAC_1_SQRT_2),
        SideRight | SurroundRight => only(FrontRight, FRAC_1_SQRT_2),
        RearLeft | TopRearLeft => only(FrontLeft, FRAC_1_SQRT_2 * behind),
        RearRight | TopRearRight => only(FrontRight, FRAC_1_SQRT_2 * behind),
        RearCenter => both(0.5),
        Lfe1 => 0.0,
        _ => 0.0,
    }
}

/// What each channel is. Decoders that do not say give the layout that is usual for the count.
fn positions(info: &AudioInfo) -> Vec<Position> {
    let count = info.channels() as usize;
    if let Some(known) = info.positions().filter(|known| known.len() == count)
        && known.iter().all(|position| *position != Position::None)
    {
        return known.to_vec();
    }
    match count {
        1 => vec![Position::Mono],
        2 => STEREO.to_vec(),
        6 => SURROUND.to_vec(),
        8 => [&SURROUND[..], &[Position::SideLeft, Position::SideRight]].concat(),
        _ => vec![Position::None; count],
    }
}

#[cfg(test)]
mod tests {
    use gstreamer_audio::AUDIO_FORMAT_F32;

    use super::*;

    fn info(positions: &[Position]) -> AudioInfo {
        let channels = positions.len() as u32;
        let builder = AudioInfo::builder(AUDIO_FORMAT_F32, 48_000, channels);
        builder.positions(positions).build().unwrap()
    }

    /// What channel `n` alone, at full scale, becomes.
    fn alone(mixer: &Mixer, n: usize) -> Vec<f32> {
        let frame: Vec<f32> = (0..mixer.inputs).map(|i| f32::from(u8::from(i == n))).collect();
        mixer.mix(&frame)
    }

    #[test]
    fn surround_becomes_stereo_as_the_itu_has_it() {
        gstreamer::init().unwrap();
        let mixer = Mixer::new(&info(&SURROUND), 2);
        let down = FRAC_1_SQRT_2;
        let expected = [[1.0, 0.0], [0.0, 1.0], [down, down], [0.0, 0.0], [down, 0.0], [0.0, down]];
        for (n, expected) in expected.into_iter().enumerate() {
            assert_eq!(alone(&mixer, n), expected, "{:?}", SURROUND[n]);
        }
    }

    #[test]
    fn stereo_and_surround_pass_untouched() {
        gstreamer::init().unwrap();
        let samples = [0.1, -0.2, 0.3, -0.4, 0.5, -0.6];
        for (positions, outputs) in [(&STEREO[..], 2), (&SURROUND[..], 6)] {
            let mixer = Mixer::new(&info(positions), outputs);
            assert_eq!(mixer.mix(&samples), samples);
        }
    }

    #[test]
    fn one_channel_is_heard_on_both_sides() {
        gstreamer::init().unwrap();
        let mono = Mixer::new(&info(&[Position::Mono]), 2);
        assert_eq!(mono.mix(&[0.5, -0.5]), [0.5, 0.5, -0.5, -0.5]);
    }

    #[test]
    fn every_channel_but_the_lowest_is_heard() {
        gstreamer::init().unwrap();
        use Position::{Lfe1, RearCenter, SideLeft, SideRight};
        let wide = [&SURROUND[..], &[SideLeft, SideRight]].concat();
        let six_one = [&SURROUND[..4], &[RearCenter, SideLeft, SideRight]].concat();
        let sides = [&SURROUND[..4], &[SideLeft, SideRight]].concat();
        for layout in [wide, six_one, sides] {
            for outputs in [2, 6] {
                let mixer = Mixer::new(&info(&layout), outputs);
                for (n, position) in layout.iter().enumerate() {
                    let heard = alone(&mixer, n).iter().any(|sample| *sample > 0.3);
                    assert_eq!(heard, *position != Lfe1 || outputs == 6, "{position:?}");
                }
            }
        }
        // Sides are what stereo calls surrounds; in 5.1 they stay where they are.
        let mixer = Mixer::new(&info(&[&SURROUND[..4], &[SideLeft, SideRight]].concat()), 6);
        assert!(mixer.is_identity());
    }

    #[test]
    fn channels_without_a_name_go_left_and_right() {
        gstreamer::init().unwrap();
        let mixer = Mixer::new(&info(&[Position::None; 16]), 2);
        assert!(alone(&mixer, 0)[0] > 0.3 && alone(&mixer, 0)[1] == 0.0);
        assert!(alone(&mixer, 15)[1] > 0.3 && alone(&mixer, 15)[0] == 0.0);
    }
}
