// Draw or drop a picture; it leaves as numbers of the model's size in [0, 1], 1 is white.
const sketches = new WeakMap();

export function attach(canvas, receiver, options) {
    if (!canvas) return;
    const side = 280, ink = new OffscreenCanvas(side, side), g = ink.getContext('2d', { willReadFrequently: true });
    const sketch = { canvas, receiver, ink, g, options, side, last: null, pending: false, empty: true };
    sketches.set(canvas, sketch);
    canvas.width = canvas.height = side;
    clear(canvas);
    canvas.addEventListener('pointerdown', e => { canvas.setPointerCapture(e.pointerId); sketch.last = place(sketch, e); stroke(sketch, sketch.last); e.preventDefault(); });
    canvas.addEventListener('pointermove', e => { if (sketch.last) for (const p of e.getCoalescedEvents?.() ?? [e]) stroke(sketch, place(sketch, p)); });
    for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, () => { if (sketch.last) { sketch.last = null; send(sketch, true); } });
    const area = canvas.closest('[data-drop]') ?? canvas;
    area.addEventListener('dragover', e => { e.preventDefault(); area.classList.add('dropping'); });
    area.addEventListener('dragleave', () => area.classList.remove('dropping'));
    area.addEventListener('drop', e => { e.preventDefault(); area.classList.remove('dropping'); if (e.dataTransfer.files[0]) load(canvas, e.dataTransfer.files[0]); });
}

export function clear(canvas) {
    const s = sketches.get(canvas);
    s.g.fillStyle = '#000';
    s.g.fillRect(0, 0, s.side, s.side);
    s.empty = true;
    paint(s);
}

export const fromInput = (canvas, input) => input.files[0] && load(canvas, input.files[0]);

async function load(canvas, file) {
    const s = sketches.get(canvas);
    let picture;
    try { picture = await createImageBitmap(file); } catch { await s.receiver.invokeMethodAsync('NotAPicture', file.name); return; }
    const scale = Math.min(s.side / picture.width, s.side / picture.height), w = picture.width * scale, h = picture.height * scale;
    s.g.fillStyle = '#000';
    s.g.fillRect(0, 0, s.side, s.side);
    s.g.imageSmoothingEnabled = picture.width > s.side;
    s.g.drawImage(picture, (s.side - w) / 2, (s.side - h) / 2, w, h);
    s.empty = false;
    paint(s);
    send(s, true);
}

/** Numbers of the service's own, for example a sample. */
export function put(canvas, bytes) {
    const s = sketches.get(canvas), v = new Float32Array(bytes.slice().buffer), { width, height } = s.options;
    const cw = s.side / width, ch = s.side / height;
    for (let i = 0; i < v.length; i++) {
        const level = Math.round(255 * v[i]);
        s.g.fillStyle = `rgb(${level},${level},${level})`;
        s.g.fillRect((i % width) * cw, Math.floor(i / width) * ch, cw + 0.5, ch + 0.5);
    }
    s.empty = false;
    paint(s);
    send(s, true);
}

export function invert(canvas) {
    const s = sketches.get(canvas);
    s.g.globalCompositeOperation = 'difference';
    s.g.fillStyle = '#fff';
    s.g.fillRect(0, 0, s.side, s.side);
    s.g.globalCompositeOperation = 'source-over';
    s.empty = false;
    paint(s);
    send(s, true);
}

const place = (s, e) => { const box = s.canvas.getBoundingClientRect(); return [(e.clientX - box.left) / box.width * s.side, (e.clientY - box.top) / box.height * s.side]; };

function stroke(s, to) {
    if (s.options.binary) {
        const cw = s.side / s.options.width, ch = s.side / s.options.height, cx = Math.floor(to[0] / cw), cy = Math.floor(to[1] / ch), id = `${cx},${cy}`;
        if (s.cell !== id || s.last === to) { s.cell = id; const lit = s.g.getImageData((cx + 0.5) * cw, (cy + 0.5) * ch, 1, 1).data[0] > 127; s.g.fillStyle = lit ? '#000' : '#fff'; s.g.fillRect(cx * cw, cy * ch, cw, ch); }
    } else {
        // As thick as the strokes of the data, a tenth of the picture.
        s.g.strokeStyle = '#fff'; s.g.lineWidth = s.side / 11; s.g.lineCap = s.g.lineJoin = 'round';
        s.g.shadowColor = '#fff'; s.g.shadowBlur = s.side / 60;
        s.g.beginPath(); s.g.moveTo(...s.last); s.g.lineTo(to[0] + 0.01, to[1]); s.g.stroke();
        s.g.shadowBlur = 0;
    }
    s.last = to;
    s.empty = false;
    paint(s);
    send(s, false);
}

function paint(s) { s.canvas.getContext('2d').drawImage(s.ink, 0, 0); }

// While one answer is awaited, only the latest picture waits behind it.
async function send(s, last) {
    if (s.pending) { s.again = true; return; }
    s.pending = true;
    try {
        do { s.again = false; await s.receiver.invokeMethodAsync('Drawn', new Uint8Array(numbers(s).buffer)); } while (s.again);
    } catch (gone) {
        // The page has gone on, and its receiver with it.
        if (s.canvas.isConnected) throw gone;
    } finally { s.pending = false; }
}

/** Averages over the boxes of the model's pixels; digits are centred by their mass as the data are. */
function numbers(s) {
    const { width, height, centre, binary } = s.options, pixels = s.g.getImageData(0, 0, s.side, s.side).data;
    let dx = 0, dy = 0;
    if (centre) {
        let sum = 0, mx = 0, my = 0;
        for (let y = 0; y < s.side; y += 2) for (let x = 0; x < s.side; x += 2) { const v = pixels[4 * (y * s.side + x)]; sum += v; mx += v * x; my += v * y; }
        if (sum > 0) { dx = Math.round(mx / sum - s.side / 2); dy = Math.round(my / sum - s.side / 2); }
    }
    const out = new Float32Array(width * height), bw = s.side / width, bh = s.side / height;
    for (let j = 0; j < height; j++) for (let i = 0; i < width; i++) {
        let sum = 0, n = 0;
        for (let y = Math.floor(j * bh); y < (j + 1) * bh; y += 2) for (let x = Math.floor(i * bw); x < (i + 1) * bw; x += 2) {
            const px = x + dx, py = y + dy;
            n++;
            if (px >= 0 && py >= 0 && px < s.side && py < s.side) { const p = 4 * (py * s.side + px); sum += 0.299 * pixels[p] + 0.587 * pixels[p + 1] + 0.114 * pixels[p + 2]; }
        }
        const v = sum / n / 255;
        out[j * width + i] = binary ? (v > 0.5 ? 1 : 0) : v;
    }
    return out;
}

/** Signed numbers in red and blue over the picture they belong to. */
export function heat(canvas, valueBytes, pictureBytes, options) {
    if (!canvas) return;
    const v = new Float32Array(valueBytes.slice().buffer), under = new Float32Array(pictureBytes.slice().buffer), { width, height } = options, scale = Math.max(1, Math.floor(280 / width));
    let most = 0;
    for (const x of v) most = Math.max(most, Math.abs(x));
    canvas.width = width * scale; canvas.height = height * scale;
    const g = canvas.getContext('2d'), image = g.createImageData(canvas.width, canvas.height);
    for (let y = 0; y < canvas.height; y++) for (let x = 0; x < canvas.width; x++) {
        const i = Math.floor(y / scale) * width + Math.floor(x / scale), t = most > 0 ? v[i] / most : 0, a = Math.sqrt(Math.abs(t)), base = 40 + 110 * under[i];
        const [r, gr, b] = t > 0 ? [235, 87, 60] : [64, 140, 255], p = 4 * (y * canvas.width + x);
        image.data[p] = base + (r - base) * a; image.data[p + 1] = base + (gr - base) * a; image.data[p + 2] = base + (b - base) * a; image.data[p + 3] = 255;
    }
    g.putImageData(image, 0, 0);
}

export const blank = canvas => canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height);
