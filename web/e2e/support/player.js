// Drives one of three players that we did not write, and keeps what it says.
/* global Hls, shaka, dashjs, tus */
const video = document.getElementById("video");
const seen = { errors: [], firstTime: null, stalls: 0, ended: false };
window.seen = seen;

video.requestVideoFrameCallback((_, { mediaTime }) => (seen.firstTime = mediaTime));
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
    // So it draws captions itself; without it the browser does.
    player.setVideoContainer(document.getElementById("screen"));
    await player.attach(video);
    await player.load(url).catch((error) => seen.errors.push(`shaka ${error.code}`));
  },
  dashjs(url, clearkeys) {
    const player = dashjs.MediaPlayer().create();
    window.dashPlayer = player;
    player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => {
      seen.errors.push(`dash.js ${error?.code} ${error?.message}`);
    });
    if (clearkeys) player.setProtectionData({ "org.w3.clearkey": { clearkeys } });
    player.initialize(video, url, false);
  },
};

/** Plays on from the picture that the player shows first: until then it stands, so its time is exact. */
window.playIn = async (player, url, protection = {}) => {
  await load[player](url, protection[player]);
  const patience = performance.now() + 60_000;
  while (seen.firstTime === null && seen.errors.length === 0) {
    if (performance.now() > patience) seen.errors.push("no picture was shown for a minute");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (seen.errors.length === 0) await video.play();
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
