/** The app's mark, drawn: a speech bubble, with a dot when something is unread. 32-bit BGRA, as nativeImage takes it. */
export interface Bitmap {
  width: number;
  height: number;
  pixels: Buffer;
}

const BLUE = [0x3b, 0x6e, 0xf6] as const;
const WHITE = [0xff, 0xff, 0xff] as const;
const RED = [0xe5, 0x48, 0x4d] as const;

export function drawIcon(size: number, unread: boolean): Bitmap {
  const pixels = Buffer.alloc(size * size * 4);
  const samples = 4;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      // Averaged over a grid within the pixel: smooth edges.
      const sum = [0, 0, 0, 0];
      for (let sample = 0; sample < samples * samples; sample++) {
        const x = (column + ((sample % samples) + 0.5) / samples) / size;
        const y = (row + (Math.floor(sample / samples) + 0.5) / samples) / size;
        const colour = colourAt(x, y, unread);
        if (!colour) continue;
        sum[0]! += colour[2];
        sum[1]! += colour[1];
        sum[2]! += colour[0];
        sum[3]! += 255;
      }
      // Premultiplied: colours are summed over covered samples only, divided by all.
      for (let channel = 0; channel < 4; channel++) {
        pixels[(row * size + column) * 4 + channel] = Math.round(sum[channel]! / (samples * samples));
      }
    }
  }
  return { width: size, height: size, pixels };
}

/** x and y from 0 to 1. */
function colourAt(x: number, y: number, unread: boolean): readonly [number, number, number] | undefined {
  if (unread && inCircle(x, y, 0.78, 0.22, 0.2)) return RED;
  if (unread && inCircle(x, y, 0.78, 0.22, 0.26)) return undefined;
  if ([0.32, 0.5, 0.68].some((centre) => inCircle(x, y, centre, 0.45, 0.065))) return WHITE;
  const bubble = inRoundedBox(x, y, 0.06, 0.1, 0.94, 0.78, 0.2);
  const tail = x >= 0.2 && x <= 0.46 && y >= 0.7 && y <= 0.96 && y - 0.7 <= 0.26 - (x - 0.2);
  return bubble || tail ? BLUE : undefined;
}

function inCircle(x: number, y: number, centreX: number, centreY: number, radius: number): boolean {
  return (x - centreX) ** 2 + (y - centreY) ** 2 <= radius ** 2;
}

function inRoundedBox(x: number, y: number, left: number, top: number, right: number, bottom: number, r: number) {
  if (x < left || x > right || y < top || y > bottom) return false;
  const nearX = Math.min(Math.max(x, left + r), right - r);
  const nearY = Math.min(Math.max(y, top + r), bottom - r);
  return inCircle(x, y, nearX, nearY, r);
}
