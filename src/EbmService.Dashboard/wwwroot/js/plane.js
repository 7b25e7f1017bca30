// The energy over the plane and chains on it.
const planes = new WeakMap();
// Viridis, nine stops; low energy is bright.
const stops = ['440154', '472d7b', '3b528b', '2c728e', '21918c', '28ae80', '5ec962', 'addc30', 'fde725'].map(h => [0, 2, 4].map(i => parseInt(h.slice(i, i + 2), 16)));

function colour(t) {
    const v = Math.min(0.9999, Math.max(0, t)) * (stops.length - 1), i = Math.floor(v), f = v - i;
    return stops[i].map((c, k) => c + (stops[i + 1][k] - c) * f);
}

export function landscape(canvas, bytes, options) {
    // The page may have gone on meanwhile.
    if (!canvas) return;
    const energies = new Float32Array(bytes.slice().buffer), { size, top } = options;
    const sorted = Float32Array.from(energies).sort(), least = sorted[0];
    // Most of the plane is far from the data: colours go up to a level near it.
    const most = Math.min(sorted[sorted.length - 1], least + top);
    const picture = new OffscreenCanvas(size, size), g = picture.getContext('2d'), image = g.createImageData(size, size);
    for (let i = 0; i < energies.length; i++) {
        const row = size - 1 - Math.floor(i / size), t = (energies[i] - least) / (most - least);
        const [r, gr, b] = colour(1 - Math.min(1, t) ** 0.75), p = 4 * (row * size + i % size);
        image.data[p] = r; image.data[p + 1] = gr; image.data[p + 2] = b; image.data[p + 3] = 255;
    }
    g.putImageData(image, 0, 0);
    const plane = planes.get(canvas) || attach(canvas);
    Object.assign(plane, { picture, energies, size, options, least, most });
    plane.contours = contours(energies, size, [0.06, 0.14, 0.25, 0.4, 0.6, 0.85].map(f => least + f * (most - least)));
    schedule(plane);
}

/** Positions of chains at successive draws: (draws, chains, 2). */
export function chains(canvas, bytes, options) {
    if (!canvas) return;
    const plane = planes.get(canvas) || attach(canvas);
    plane.rows = new Float32Array(bytes.slice().buffer);
    plane.count = options.chains;
    plane.draws = plane.rows.length / 2 / options.chains;
    plane.at = options.at ?? plane.draws - 1;
    plane.trail = options.trail ?? 12;
    plane.selected = options.selected ?? -1;
    schedule(plane);
}

export function at(canvas, draw, selected) {
    const plane = canvas && planes.get(canvas);
    if (!plane) return;
    plane.at = draw;
    plane.selected = selected;
    schedule(plane);
}

/** The chain nearest to a place on the canvas, -1 where none is near; and the place itself in the plane. */
export function pick(canvas, x, y) {
    const plane = planes.get(canvas) || attach(canvas), box = canvas.getBoundingClientRect(), { min, max } = plane.options;
    const place = [min + (x / box.width) * (max - min), max - (y / box.height) * (max - min)];
    let best = -1, least = (14 / box.width * (max - min)) ** 2;
    for (let c = 0; plane.rows && c < plane.count; c++) {
        const p = 2 * (Math.floor(plane.at) * plane.count + c), d = (plane.rows[p] - place[0]) ** 2 + (plane.rows[p + 1] - place[1]) ** 2;
        if (d < least) { least = d; best = c; }
    }
    return [best, ...place];
}

export function mark(canvas, x, y) {
    const plane = canvas && planes.get(canvas);
    if (plane) { plane.marked = [x, y]; schedule(plane); }
}

function attach(canvas) {
    const plane = { canvas, pending: false, options: { min: -1, max: 1 } };
    planes.set(canvas, plane);
    new ResizeObserver(() => schedule(plane)).observe(canvas);
    return plane;
}

function schedule(plane) {
    if (plane.pending) return;
    plane.pending = true;
    requestAnimationFrame(() => { plane.pending = false; paint(plane); });
}

function paint(plane) {
    const { canvas, options } = plane, width = canvas.clientWidth;
    if (width < 20) return;
    const ratio = window.devicePixelRatio || 1, side = Math.round(width * ratio);
    if (canvas.width !== side) { canvas.width = side; canvas.height = side; }
    const g = canvas.getContext('2d');
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.fillStyle = '#440154';
    g.fillRect(0, 0, width, width);
    const x = v => (v - options.min) / (options.max - options.min) * width, y = v => (options.max - v) / (options.max - options.min) * width;
    if (plane.picture) {
        g.imageSmoothingQuality = 'high';
        g.drawImage(plane.picture, 0, 0, width, width);
        g.strokeStyle = 'rgba(255,255,255,.28)';
        g.lineWidth = 0.8;
        const cell = width / (plane.size - 1);
        g.beginPath();
        for (const [x0, y0, x1, y1] of plane.contours) { g.moveTo(x0 * cell, width - y0 * cell); g.lineTo(x1 * cell, width - y1 * cell); }
        g.stroke();
    }
    axes(g, options, width, x, y);
    if (plane.rows) dots(g, plane, x, y);
    if (plane.marked) {
        g.strokeStyle = '#fff'; g.lineWidth = 2;
        const [mx, my] = [x(plane.marked[0]), y(plane.marked[1])];
        g.beginPath(); g.arc(mx, my, 7, 0, 7); g.moveTo(mx - 12, my); g.lineTo(mx - 3, my); g.moveTo(mx + 3, my); g.lineTo(mx + 12, my);
        g.moveTo(mx, my - 12); g.lineTo(mx, my - 3); g.moveTo(mx, my + 3); g.lineTo(mx, my + 12); g.stroke();
    }
}

function axes(g, options, width, x, y) {
    const step = (options.max - options.min) > 8 ? 2 : 1;
    g.fillStyle = 'rgba(255,255,255,.8)'; g.font = '10px system-ui, sans-serif'; g.textAlign = 'center'; g.textBaseline = 'bottom';
    for (let v = Math.ceil(options.min) + 1; v < options.max; v += step) {
        const text = String(v).replace('-', '\u2212');
        g.fillText(text, x(v), width - 3);
        g.textAlign = 'left'; g.textBaseline = 'middle';
        g.fillText(text, 4, y(v));
        g.textAlign = 'center'; g.textBaseline = 'bottom';
    }
}

function dots(g, plane, x, y) {
    const { rows, count, trail, selected } = plane, at = Math.max(0, Math.min(plane.draws - 1, Math.floor(plane.at)));
    const px = (d, c) => x(rows[2 * (d * count + c)]), py = (d, c) => y(rows[2 * (d * count + c) + 1]);
    const from = Math.max(0, at - trail);
    g.lineWidth = 1;
    if (count <= 256 && at > from) {
        g.strokeStyle = 'rgba(255,255,255,.30)';
        g.beginPath();
        for (let c = 0; c < count; c++) {
            if (c === selected) continue;
            g.moveTo(px(from, c), py(from, c));
            for (let d = from + 1; d <= at; d++) g.lineTo(px(d, c), py(d, c));
        }
        g.stroke();
    }
    g.fillStyle = '#fff'; g.strokeStyle = 'rgba(0,0,0,.65)';
    const r = count > 400 ? 1.5 : count > 100 ? 2.4 : 3.4;
    for (let c = 0; c < count; c++) { g.beginPath(); g.arc(px(at, c), py(at, c), r, 0, 7); g.fill(); g.stroke(); }
    if (selected < 0 || selected >= count) return;
    g.strokeStyle = '#ff5a36'; g.lineWidth = 1.8;
    g.beginPath();
    g.moveTo(px(0, selected), py(0, selected));
    for (let d = 1; d <= at; d++) g.lineTo(px(d, selected), py(d, selected));
    g.stroke();
    g.fillStyle = '#ff5a36';
    g.beginPath(); g.arc(px(at, selected), py(at, selected), r + 2, 0, 7); g.fill();
    g.strokeStyle = '#fff'; g.stroke();
}

/** Marching squares, a list of line pieces in cells. */
function contours(v, n, levels) {
    const lines = [];
    for (let j = 0; j < n - 1; j++) for (let i = 0; i < n - 1; i++) {
        const a = v[j * n + i], b = v[j * n + i + 1], c = v[(j + 1) * n + i + 1], d = v[(j + 1) * n + i];
        for (const level of levels) {
            const cuts = [];
            const cut = (p, q, x0, y0, x1, y1) => { if ((p < level) !== (q < level)) { const t = (level - p) / (q - p); cuts.push([x0 + t * (x1 - x0), y0 + t * (y1 - y0)]); } };
            cut(a, b, i, j, i + 1, j); cut(b, c, i + 1, j, i + 1, j + 1); cut(d, c, i, j + 1, i + 1, j + 1); cut(a, d, i, j, i, j + 1);
            for (let k = 0; k + 1 < cuts.length; k += 2) lines.push([...cuts[k], ...cuts[k + 1]]);
        }
    }
    return lines;
}
