// Previews of a job as a film: pictures are decoded once and kept, the oldest thinned when there are too many.
const most = 360;
const films = new Map();

const film = id => {
    if (!films.has(id)) films.set(id, { frames: [], listeners: new Set(), shown: -1 });
    return films.get(id);
};

/** Adds a picture; one of a step that is there already takes its place. */
export async function push(id, step, png) {
    const one = film(id), picture = await createImageBitmap(new Blob([png], { type: 'image/png' }));
    add(one, { step, picture });
    return one.frames.length;
}

/** Frames made of numbers: rows of pixels in [min, max], drawn as a grid. */
export function pushRows(id, bytes, layout) {
    const one = film(id), all = new Float32Array(bytes.slice().buffer);
    const { frames, chains, width, height, min, max, firstStep, every, scale } = layout;
    const columns = Math.ceil(Math.sqrt(chains)), rows = Math.ceil(chains / columns), cell = { w: width * scale, h: height * scale };
    one.frames = [];
    for (let f = 0; f < frames; f++) {
        const canvas = new OffscreenCanvas(columns * (cell.w + 2) + 2, rows * (cell.h + 2) + 2), g = canvas.getContext('2d');
        g.fillStyle = '#383838';
        g.fillRect(0, 0, canvas.width, canvas.height);
        for (let c = 0; c < chains; c++) {
            const pixels = new ImageData(cell.w, cell.h), at = (f * chains + c) * width * height;
            for (let y = 0; y < cell.h; y++) for (let x = 0; x < cell.w; x++) {
                const v = 255 * (all[at + ((y / scale) | 0) * width + ((x / scale) | 0)] - min) / (max - min), p = 4 * (y * cell.w + x);
                pixels.data[p] = pixels.data[p + 1] = pixels.data[p + 2] = v;
                pixels.data[p + 3] = 255;
            }
            g.putImageData(pixels, 2 + (c % columns) * (cell.w + 2), 2 + ((c / columns) | 0) * (cell.h + 2));
        }
        one.frames.push({ step: firstStep + f * every, picture: canvas });
    }
    return one.frames.length;
}

function add(one, frame) {
    const at = one.frames.findIndex(f => f.step >= frame.step);
    if (at >= 0 && one.frames[at].step === frame.step) one.frames[at] = frame;
    else if (at >= 0) one.frames.splice(at, 0, frame);
    else one.frames.push(frame);
    if (one.frames.length > most) one.frames = one.frames.filter((_, i) => i % 2 === 0 || i === one.frames.length - 1);
}

export const steps = id => film(id).frames.map(f => f.step);

export function show(id, canvas, index) {
    const one = film(id), frame = one.frames[Math.max(0, Math.min(one.frames.length - 1, index))];
    if (!frame || !canvas) return;
    const { width, height } = frame.picture;
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    const g = canvas.getContext('2d');
    g.clearRect(0, 0, width, height);
    g.drawImage(frame.picture, 0, 0);
}

/** One chain's cell in frames from first to last, side by side. */
export function path(id, canvas, chain, columns, rows, count) {
    const one = film(id), n = Math.min(count, one.frames.length);
    if (!canvas || n === 0) return [];
    const { width, height } = one.frames[0].picture;
    const w = (width - 2) / columns, h = (height - 2) / rows, x = 2 + (chain % columns) * w, y = 2 + Math.floor(chain / columns) * h;
    canvas.width = n * w; canvas.height = h - 2;
    const g = canvas.getContext('2d'), steps = [];
    for (let i = 0; i < n; i++) {
        const frame = one.frames[n === 1 ? 0 : Math.round(i * (one.frames.length - 1) / (n - 1))];
        g.drawImage(frame.picture, x, y, w - 2, h - 2, i * w, 0, w - 2, h - 2);
        steps.push(frame.step);
    }
    return steps;
}

export const forget = id => films.delete(id);

export const size = canvas => [canvas.clientWidth, canvas.clientHeight];
