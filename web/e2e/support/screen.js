// What is really on the screen: pictures of it, read point by point in a page of the players.

/**
 * Where there is something bright in the player's 640×360 points: the edges of the smallest box
 * about it, or null. Made for text over a dark film.
 */
export async function brightBox(page) {
  const picture = await page.locator("#screen").screenshot();
  return page.evaluate((base64) => window.brightBox(base64), picture.toString("base64"));
}

/** The brightness of a picture's middle point, 0 to 255. */
export function middleGrey(page, picture) {
  return page.evaluate((base64) => window.middleGrey(base64), picture.toString("base64"));
}
