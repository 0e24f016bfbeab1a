// Drives one of three players that we did not write, and keeps what it says.
/* global Hls, shaka, dashjs, tus */
const video = document.getElementById("video");
const seen = { errors: [], firstTime: null, stalls: 0, ended: false };
window.seen = seen;

video.addEventListener("playing", () => (seen.firstTime ??= video.currentTime));
video.addEventListener("waiting", () => (seen.stalls += 1));
video.addEventListener("ended", () => (seen.ended = true));
video.addEventListener("error", () => seen.errors.push(`element: ${video.error?.message}`));

const load = {
  hlsjs(url, licences) {
    const drm = licences && {
      emeEnabled: true,
      drmSystems: { "org.w3.clearkey": { licenseUrl: licences } },
    };
    const player = new Hls({ startPosition: 0, ...drm });
    window.hlsPlayer = player;
    player.on(Hls.Events.ERROR, (_, data) => {
      // A stall that hls.js steps over is not an error of the stream.
      if (data.fatal) seen.errors.push(`${data.type} ${data.details}`);
    });
    player.loadSource(url);
    player.attachMedia(video);
  },
  async shaka(url, drm) {
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    player.addEventListener("error", ({ detail }) => seen.errors.push(`shaka ${detail.code}`));
    window.shakaPlayer = player;
    if (drm) player.configure({ drm });
    await player.attach(video);
    await player.load(url).catch((error) => seen.errors.push(`shaka ${error.code}`));
  },
  dashjs(url, clearkeys) {
    const player = dashjs.MediaPlayer().create();
    player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => {
      seen.errors.push(`dash.js ${error?.code} ${error?.message}`);
    });
    if (clearkeys) player.setProtectionData({ "org.w3.clearkey": { clearkeys } });
    // It must start playback itself: it misses a play() that comes before its listeners stand.
    player.initialize(video, url, true);
  },
};

window.playIn = async (player, url, protection = {}) => {
  await load[player](url, protection[player]);
  if (player !== "dashjs") await video.play();
};

function buffered() {
  return Array.from({ length: video.buffered.length }, (_, i) => [
    video.buffered.start(i),
    video.buffered.end(i),
  ]);
}

window.report = () => ({
  ...seen,
  paused: video.paused,
  readyState: video.readyState,
  buffered: buffered(),
  time: video.currentTime,
  duration: video.duration,
  width: video.videoWidth,
  frames: video.getVideoPlaybackQuality().totalVideoFrames,
  audioBytes: video.webkitAudioDecodedByteCount,
});

/** Jumps, and answers once the picture there is shown. */
window.seekTo = (time) =>
  new Promise((resolve) => {
    seen.ended = false;
    video.addEventListener(
      "seeked",
      () => video.requestVideoFrameCallback((_, frame) => resolve(frame.mediaTime)),
      { once: true },
    );
    video.currentTime = time;
    void video.play();
  });

const cues = () => [...video.textTracks].flatMap((track) => [...(track.activeCues ?? [])]);

/** Plays on from 1 s until the chosen language is heard and a cue is shown; what is shown then. */
async function playUntilShown(heard) {
  await window.seekTo(1);
  const before = video.webkitAudioDecodedByteCount;
  for (let tries = 0; tries < 100; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const decoded = heard() && video.webkitAudioDecodedByteCount > before;
    if (decoded && cues().length > 0) break;
  }
  return cues()
    .map((cue) => cue.text)
    .join(" ");
}

/** Plays on in another language, with captions; the languages there are, and what is shown. */
window.chooseInShaka = async (audio, text) => {
  const player = window.shakaPlayer;
  const tracks = player.getAudioTracks();
  const named = (language) => (track) => track.language === language;
  player.selectAudioTrack(tracks.find(named(audio)));
  player.selectTextTrack(player.getTextTracks().find(named(text)));
  const heard = () => player.getAudioTracks().find((track) => track.active)?.language;
  const shown = await playUntilShown(() => heard() === audio);
  return { audio: tracks.map(({ language }) => language).sort(), heard: heard(), shown };
};

/** The same in hls.js, where a language that is not known has no name. */
window.chooseInHlsJs = async (audio, text) => {
  const player = window.hlsPlayer;
  const language = ({ lang }) => lang || "und";
  player.audioTrack = player.audioTracks.findIndex((track) => language(track) === audio);
  player.subtitleTrack = player.subtitleTracks.findIndex((track) => language(track) === text);
  player.subtitleDisplay = true;
  const heard = () => language(player.audioTracks[player.audioTrack]);
  const shown = await playUntilShown(() => heard() === audio);
  return { audio: player.audioTracks.map(language).sort(), heard: heard(), shown };
};

/** Uploads a generated file by tus-js-client; answers the video's id. */
window.uploadByTus = (endpoint, apiKey, base64, filename) =>
  new Promise((resolve, reject) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    let id = null;
    new tus.Upload(new Blob([bytes]), {
      endpoint,
      chunkSize: 256 * 1024,
      headers: { authorization: `Bearer ${apiKey}` },
      metadata: { filename, filetype: "video/mp4" },
      onAfterResponse: (_, response) => (id = response.getHeader("Kinora-Video") ?? id),
      onSuccess: () => resolve(id),
      onError: (error) => reject(error),
    }).start();
  });
