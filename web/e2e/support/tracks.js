// Chooses languages and captions in the three players, and says what of them is there.
const video = document.getElementById("video");

const languages = {
  hlsjs: ({ lang }) => lang || "und",
  shaka: ({ language }) => language,
  dashjs: ({ lang }) => lang ?? "und",
};

const audio = {
  hlsjs: {
    all: () => window.hlsPlayer.audioTracks,
    chosen: () => window.hlsPlayer.audioTracks[window.hlsPlayer.audioTrack],
    choose: (track) => (window.hlsPlayer.audioTrack = window.hlsPlayer.audioTracks.indexOf(track)),
  },
  shaka: {
    all: () => window.shakaPlayer.getAudioTracks(),
    chosen: () => window.shakaPlayer.getAudioTracks().find(({ active }) => active),
    choose: (track) => window.shakaPlayer.selectAudioTrack(track),
  },
  dashjs: {
    all: () => window.dashPlayer.getTracksFor("audio"),
    chosen: () => window.dashPlayer.getCurrentTrackFor("audio"),
    choose: (track) => window.dashPlayer.setCurrentTrack(track),
  },
};

const captions = {
  hlsjs: {
    all: () => window.hlsPlayer.subtitleTracks,
    choose(track) {
      window.hlsPlayer.subtitleTrack = window.hlsPlayer.subtitleTracks.indexOf(track);
      window.hlsPlayer.subtitleDisplay = true;
    },
  },
  shaka: {
    all: () => window.shakaPlayer.getTextTracks(),
    // In HLS, Shaka 5.2 (since its pull request 9676) holds captions back until a segment of the
    // picture is appended after they were chosen: it has to play on for a while.
    async choose(track) {
      window.shakaPlayer.selectTextTrack(track);
      const there = () => window.shakaPlayer.getBufferedInfo().text.length > 0;
      while (!there()) await new Promise((resolve) => setTimeout(resolve, 50));
    },
  },
  dashjs: {
    all: () => window.dashPlayer.getTracksFor("text"),
    choose(track) {
      window.dashPlayer.enableText(true);
      window.dashPlayer.setTextTrack(window.dashPlayer.getTracksFor("text").indexOf(track));
    },
  },
};

/** The languages that the player offers, in order of the alphabet. */
window.audioLanguages = (player) => audio[player].all().map(languages[player]).sort();
window.captionLanguages = (player) => captions[player].all().map(languages[player]).sort();

/** The language that the player says it plays. */
window.audioLanguage = (player) => languages[player](audio[player].chosen());

const named = (tracks, player, language) =>
  tracks.all().find((track) => languages[player](track) === language);
window.chooseAudio = (player, language) =>
  audio[player].choose(named(audio[player], player, language));
window.chooseCaptions = (player, language) =>
  captions[player].choose(named(captions[player], player, language));

/** The captions on the screen now, as the browser or the player itself draws them. */
window.captionsShown = () => {
  const tracks = [...video.textTracks].filter(({ mode }) => mode === "showing");
  const drawn = tracks.flatMap((track) => [...(track.activeCues ?? [])]).map(({ text }) => text);
  const own = document.querySelector(".shaka-text-container")?.innerText.trim();
  return own ? [...drawn, ...own.split("\n")] : drawn;
};

/** Stops at a time; answers the media time of the picture that is shown then. */
window.pauseAt = async (time) => {
  video.pause();
  const sought = new Promise((resolve) =>
    video.addEventListener("seeked", resolve, { once: true }),
  );
  const shown = new Promise((resolve) =>
    video.requestVideoFrameCallback((_, frame) => resolve(frame.mediaTime)),
  );
  video.currentTime = time;
  await sought;
  return shown;
};

let analyser = null;

/** Turns the sound on, to be listened to. */
window.listen = () => {
  const context = new AudioContext();
  analyser = context.createAnalyser();
  context.createMediaElementSource(video).connect(analyser).connect(context.destination);
  video.muted = false;
  return context.resume();
};

/** The loudest frequency heard now, hertz; 0 while it is quiet. */
window.pitch = () => {
  const levels = new Uint8Array(analyser.frequencyBinCount);
  analyser.getByteFrequencyData(levels);
  const loudest = levels.indexOf(Math.max(...levels));
  return (loudest * analyser.context.sampleRate) / analyser.fftSize;
};

/** The tile that a player gives for a time: its picture's address, and the place in it. */
const thumbnails = {
  async shaka(time) {
    const [track] = window.shakaPlayer.getImageTracks();
    const tile = await window.shakaPlayer.getThumbnails(track.id, time);
    const { positionX, positionY, width, height, uris } = tile;
    return { url: uris[0], left: positionX, top: positionY, width, height };
  },
  async dashjs(time) {
    const give = (resolve) => window.dashPlayer.provideThumbnail(time, resolve);
    const { url, x, y, width, height } = await new Promise(give);
    return { url, left: x, top: y, width, height };
  },
};

/** How bright that tile is, 0 to 255, and its size. */
window.thumbnail = async (player, time) => {
  const { url, ...tile } = await thumbnails[player](time);
  return { grey: await window.meanGrey(url, tile), width: tile.width, height: tile.height };
};
