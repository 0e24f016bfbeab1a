// Reads pictures, point by point. Brightness is that of green: 0 to 255.

/** The brightness of all points, row by row, of a picture's part. */
function brightness(bitmap, { left, top, width, height }) {
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(bitmap, -left, -top);
  const { data } = context.getImageData(0, 0, width, height);
  return data.filter((_, i) => i % 4 === 1);
}

async function decode(base64) {
  const answer = await fetch(`data:image/png;base64,${base64}`);
  const bitmap = await createImageBitmap(await answer.blob());
  const { width, height } = bitmap;
  return { width, height, greens: brightness(bitmap, { left: 0, top: 0, width, height }) };
}

/** The smallest box about all bright points of a PNG, or null. */
window.brightBox = async (base64) => {
  const { width, greens } = await decode(base64);
  const box = { left: Infinity, top: Infinity, right: -1, bottom: -1 };
  greens.forEach((green, i) => {
    if (green <= 160) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
  });
  return box.right < 0 ? null : box;
};

window.middleGrey = async (base64) => {
  const { width, height, greens } = await decode(base64);
  return greens[Math.floor(height / 2) * width + Math.floor(width / 2)];
};

/** The mean brightness of a tile of a sheet at an address. */
window.meanGrey = async (url, tile) => {
  const sheet = await createImageBitmap(await (await fetch(url)).blob());
  const greens = brightness(sheet, tile);
  return greens.reduce((sum, green) => sum + green, 0) / greens.length;
};
