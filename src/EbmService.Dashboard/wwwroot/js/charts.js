// Line charts on a canvas: drawn whole from typed arrays, a thousand times faster than one element per point.
const charts = new WeakMap();
const pad = { left: 58, right: 14, top: 10, bottom: 38 };

export function draw(canvas, options, bytes) {
    if (!canvas) return;
    let chart = charts.get(canvas);
    if (!chart) {
        chart = attach(canvas);
        charts.set(canvas, chart);
    }
    chart.options = options;
    chart.series = read(options.series, bytes);
    schedule(chart);
}

export function detach(canvas) {
    const chart = canvas && charts.get(canvas);
    if (!chart) return;
    chart.observer.disconnect();
    themes.delete(chart);
    charts.delete(canvas);
}

const themes = new Set();
/** Colours come from the page: redraw when they change. */
export function themeChanged() {
    requestAnimationFrame(() => themes.forEach(schedule));
}

// One buffer for all series: x, y and where there is a band low and high, one after the other.
function read(series, bytes) {
    const copy = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const all = new Float32Array(copy.buffer, copy.byteOffset, copy.byteLength >> 2);
    let at = 0;
    const take = count => all.subarray(at, at += count);
    return series.map(s => ({
        ...s, x: take(s.count), y: take(s.count),
        low: s.band ? take(s.count) : null, high: s.band ? take(s.count) : null,
    }));
}

function attach(canvas) {
    const chart = { canvas, series: [], options: {}, view: null, pending: false, pointer: null, drag: null };
    chart.observer = new ResizeObserver(() => schedule(chart));
    chart.observer.observe(canvas);
    themes.add(chart);
    canvas.addEventListener('pointermove', e => move(chart, e));
    canvas.addEventListener('pointerleave', () => { chart.pointer = null; schedule(chart); });
    canvas.addEventListener('pointerdown', e => {
        if (!chart.options.zoom || e.pointerType === 'touch') return;
        chart.drag = { from: e.offsetX, to: e.offsetX };
        canvas.setPointerCapture(e.pointerId);
    });
    canvas.addEventListener('pointerup', () => endDrag(chart));
    canvas.addEventListener('dblclick', () => { if (!chart.view) chart.whole = !chart.whole; chart.view = null; schedule(chart); });
    canvas.addEventListener('keydown', e => key(chart, e));
    return chart;
}

function schedule(chart) {
    if (chart.pending) return;
    chart.pending = true;
    requestAnimationFrame(() => { chart.pending = false; paint(chart); });
}

function move(chart, e) {
    chart.pointer = { x: e.offsetX, y: e.offsetY };
    if (chart.drag) chart.drag.to = e.offsetX;
    schedule(chart);
}

function endDrag(chart) {
    const { drag, scale } = chart;
    chart.drag = null;
    if (!drag || !scale) return;
    const [a, b] = [drag.from, drag.to].sort((x, y) => x - y);
    if (b - a > 6) chart.view = [scale.unx(a), scale.unx(b)];
    schedule(chart);
}

function key(chart, e) {
    const { scale } = chart;
    if (!scale) return;
    const width = scale.x1 - scale.x0;
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (e.key in steps) {
        const at = chart.pointer?.x ?? (scale.left + scale.right) / 2;
        chart.pointer = { x: Math.min(scale.right, Math.max(scale.left, at + steps[e.key] * Math.max(4, (scale.right - scale.left) / 60))), y: scale.top };
    } else if (e.key === '+' && chart.options.zoom) {
        const middle = scale.unx(chart.pointer?.x ?? (scale.left + scale.right) / 2);
        chart.view = [middle - width / 4, middle + width / 4];
    } else if ((e.key === '-' || e.key === 'Escape') && chart.options.zoom) {
        chart.view = null;
    } else {
        return;
    }
    e.preventDefault();
    schedule(chart);
}

function paint(chart) {
    const { canvas, options } = chart;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (width < 40 || height < 40) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
    }
    const g = canvas.getContext('2d');
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    const ink = style.getPropertyValue('--chart-ink').trim() || '#555', grid = style.getPropertyValue('--chart-grid').trim() || '#ddd';
    const strong = style.getPropertyValue('--chart-strong').trim() || '#111', paper = style.getPropertyValue('--chart-paper').trim() || '#fff';
    g.font = `11px ${style.fontFamily}`;
    const visible = chart.series.filter(s => !s.hidden);
    const scale = chart.scale = makeScale(chart, visible, width, height, options);
    axes(g, scale, options, ink, grid);
    g.save();
    g.beginPath();
    g.rect(scale.left, scale.top - 1, scale.right - scale.left, scale.bottom - scale.top + 2);
    g.clip();
    for (const s of visible) if (s.low) band(g, scale, s);
    for (const s of visible) (s.kind === 'points' ? points : s.kind === 'bars' ? bars : line)(g, scale, s, chart);
    for (const l of options.lines || []) guide(g, scale, l, ink);
    if (chart.drag) {
        g.fillStyle = strong; g.globalAlpha = 0.08;
        g.fillRect(chart.drag.from, scale.top, chart.drag.to - chart.drag.from, scale.bottom - scale.top);
        g.globalAlpha = 1;
    }
    g.restore();
    if (!visible.some(s => s.count > 0)) {
        g.fillStyle = ink; g.textAlign = 'center'; g.textBaseline = 'middle';
        g.fillText(options.empty || 'No data yet', (scale.left + scale.right) / 2, (scale.top + scale.bottom) / 2);
    } else if (chart.cut && !chart.pointer) {
        g.fillStyle = ink; g.textAlign = 'right'; g.textBaseline = 'top';
        g.fillText(chart.cut + (width > 420 ? ' beyond the axis: double click to see all' : ' beyond'), scale.right - 4, scale.top + 2);
    } else if (chart.pointer) {
        readout(g, scale, visible, chart.pointer, options, { ink, strong, paper, grid }, width);
    }
}

function makeScale(chart, visible, width, height, options) {
    let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
    for (const s of visible) {
        for (let i = 0; i < s.count; i++) {
            const x = s.x[i];
            if (x < x0) x0 = x;
            if (x > x1) x1 = x;
        }
    }
    if (options.xMin != null) x0 = options.xMin;
    if (options.xMax != null) x1 = options.xMax;
    if (chart.view) [x0, x1] = chart.view;
    if (!(x1 > x0)) { const m = Number.isFinite(x0) ? x0 : 0; x0 = m - (options.log ? 0 : 0.5); x1 = m + 1; }
    const positive = options.log;
    for (const s of visible) {
        for (let i = 0; i < s.count; i++) {
            if (s.x[i] < x0 || s.x[i] > x1) continue;
            const lo = s.low ? s.low[i] : s.y[i], hi = s.high ? s.high[i] : s.y[i];
            if (!Number.isFinite(lo) || !Number.isFinite(hi) || (positive && lo <= 0)) continue;
            if (lo < y0) y0 = lo;
            if (hi > y1) y1 = hi;
        }
        if (s.kind === 'bars') y0 = Math.min(y0, 0);
    }
    scale0(chart, visible, options, x0, x1, (lo, hi) => { y0 = lo; y1 = hi; }, y0, y1);
    for (const l of options.lines || []) if (l.include) { y0 = Math.min(y0, l.value); y1 = Math.max(y1, l.value); }
    if (options.yMin != null) y0 = Math.min(options.yMin, y0);
    if (options.yMax != null) y1 = Math.max(options.yMax, y1);
    if (!(y1 >= y0)) { y0 = positive ? 0.1 : 0; y1 = 1; }
    if (positive) { y0 = Math.log10(y0); y1 = Math.log10(y1); }
    if (y1 - y0 < 1e-9 * Math.max(1, Math.abs(y1))) { const m = Math.max(Math.abs(y1) * 0.1, 0.5); y0 -= options.yMin === y0 ? 0 : m; y1 += m; }
    else { const m = (y1 - y0) * 0.06; if (options.yMin !== y0 || positive) y0 -= m; y1 += m; }
    const left = pad.left, right = width - pad.right, top = pad.top, bottom = height - (options.xLabel ? pad.bottom : 24);
    const sx = (right - left) / (x1 - x0), sy = (bottom - top) / (y1 - y0);
    return {
        x0, x1, y0, y1, left, right, top, bottom, log: positive,
        x: v => left + (v - x0) * sx,
        y: v => bottom - ((positive ? Math.log10(v) : v) - y0) * sy,
        unx: p => x0 + (p - left) / sx,
    };
}

// A few far values, those of the first steps, would leave the rest a flat line: the axis ends before them and says so.
function scale0(chart, visible, options, x0, x1, set, y0, y1) {
    chart.cut = null;
    if (!options.robust || options.log || chart.view || chart.whole) return;
    const values = [];
    for (const s of visible) {
        for (let i = 0; i < s.count; i++) if (s.x[i] >= x0 && s.x[i] <= x1) for (const v of s.low ? [s.low[i], s.high[i]] : [s.y[i]]) if (Number.isFinite(v)) values.push(v);
    }
    if (values.length < 40) return;
    values.sort((a, b) => a - b);
    const lo = values[Math.floor(values.length * 0.03)], hi = values[Math.ceil(values.length * 0.97) - 1], span = hi - lo;
    if (!(span > 0)) return;
    const from = y0 < lo - 2 * span ? lo - 0.5 * span : y0, to = y1 > hi + 2 * span ? hi + 0.5 * span : y1;
    if (to < y1) chart.cut = `up to ${compact(y1)}`;
    else if (from > y0) chart.cut = `down to ${compact(y0)}`;
    set(from, to);
}

export function niceTicks(lo, hi, most) {
    const raw = (hi - lo) / Math.max(1, most), unit = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map(m => m * unit).find(s => s >= raw) || unit * 10;
    const ticks = [];
    for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; k++) ticks.push(k * step);
    return { ticks, step };
}

function label(value, step) {
    const size = Math.abs(value);
    if (size < step * 1e-6) return '0';
    if (size >= 1e9) return trim(value / 1e9, step / 1e9) + 'G';
    if (size >= 1e6) return trim(value / 1e6, step / 1e6) + 'M';
    if (size >= 1e4) return trim(value / 1e3, step / 1e3) + 'k';
    if (step < 1e-4) return value.toExponential(1).replace('-', '\u2212');
    return trim(value, step);
}

function trim(value, step) {
    const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
    return value.toFixed(digits).replace('-', '\u2212');
}

function time(seconds) {
    const s = Math.abs(Math.round(seconds)), sign = seconds < -0.5 ? '\u2212' : '';
    return s < 90 ? `${sign}${s} s` : `${sign}${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

function axes(g, scale, options, ink, grid) {
    g.lineWidth = 1;
    g.fillStyle = ink;
    g.strokeStyle = grid;
    const yTicks = niceTicks(scale.y0, scale.y1, Math.max(2, (scale.bottom - scale.top) / 42));
    g.textAlign = 'right';
    g.textBaseline = 'middle';
    for (const v of yTicks.ticks) {
        const y = Math.round(scale.bottom - (v - scale.y0) * (scale.bottom - scale.top) / (scale.y1 - scale.y0)) + 0.5;
        if (scale.log && Math.abs(v - Math.round(v)) > 1e-6 && scale.y1 - scale.y0 > 1) continue;
        g.beginPath(); g.moveTo(scale.left, y); g.lineTo(scale.right, y); g.stroke();
        g.fillText(scale.log ? compact(10 ** v) : label(v, yTicks.step), scale.left - 7, y);
    }
    const most = Math.max(2, (scale.right - scale.left) / 80);
    let xTicks = niceTicks(scale.x0, scale.x1, most);
    if (options.wholeX && xTicks.step < 1) xTicks = niceTicks(scale.x0, scale.x1, Math.max(1, scale.x1 - scale.x0));
    if (options.timeX) {
        const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].find(s => (scale.x1 - scale.x0) / s <= most) || 7200;
        xTicks = { ticks: [], step };
        for (let k = Math.ceil(scale.x0 / step); k * step <= scale.x1 + 1e-9; k++) xTicks.ticks.push(k * step);
    }
    g.textAlign = 'center';
    g.textBaseline = 'top';
    for (const v of xTicks.ticks) {
        const x = Math.round(scale.x(v)) + 0.5;
        g.beginPath(); g.moveTo(x, scale.bottom); g.lineTo(x, scale.bottom + 4); g.stroke();
        const text = options.timeX ? time(v) : options.names ? options.names[Math.round(v)] ?? '' : label(v, xTicks.step);
        const half = g.measureText(text).width / 2;
        g.fillText(text, Math.min(scale.right + pad.right - half, Math.max(scale.left - 20 + half, x)), scale.bottom + 7);
    }
    g.strokeStyle = ink;
    g.globalAlpha = 0.6;
    g.beginPath(); g.moveTo(scale.left, scale.bottom + 0.5); g.lineTo(scale.right, scale.bottom + 0.5); g.stroke();
    g.globalAlpha = 1;
    if (options.xLabel) g.fillText(options.xLabel, (scale.left + scale.right) / 2, scale.bottom + 23);
    if (options.yLabel) {
        g.save();
        g.translate(9, (scale.top + scale.bottom) / 2);
        g.rotate(-Math.PI / 2);
        g.textBaseline = 'middle';
        g.fillText(options.yLabel, 0, 0);
        g.restore();
    }
}

function band(g, scale, s) {
    g.fillStyle = s.color;
    g.globalAlpha = 0.16;
    g.beginPath();
    let open = false;
    for (let i = 0; i < s.count; i++) {
        if (!Number.isFinite(s.high[i])) continue;
        open ? g.lineTo(scale.x(s.x[i]), scale.y(s.high[i])) : g.moveTo(scale.x(s.x[i]), scale.y(s.high[i]));
        open = true;
    }
    for (let i = s.count - 1; i >= 0; i--) if (Number.isFinite(s.low[i])) g.lineTo(scale.x(s.x[i]), scale.y(s.low[i]));
    g.fill();
    g.globalAlpha = 1;
}

function line(g, scale, s) {
    g.strokeStyle = s.color;
    g.lineWidth = s.width || 1.8;
    g.globalAlpha = s.alpha || 1;
    g.lineJoin = 'round';
    if (s.dash) g.setLineDash(s.dash);
    g.beginPath();
    // More points than pixels: each pixel column is one line from its least to its greatest value.
    const dense = s.count > 2 * (scale.right - scale.left);
    let pen = false, column = NaN, lo = 0, hi = 0;
    const flush = () => { if (!Number.isNaN(column)) { pen ? g.lineTo(column, lo) : g.moveTo(column, lo); g.lineTo(column, hi); pen = true; } };
    for (let i = 0; i < s.count; i++) {
        const v = s.y[i];
        if (!Number.isFinite(v) || (scale.log && v <= 0)) { if (dense) { flush(); column = NaN; } pen = false; continue; }
        const x = scale.x(s.x[i]), y = scale.y(v);
        if (!dense) { pen ? g.lineTo(x, y) : g.moveTo(x, y); pen = true; continue; }
        const c = Math.round(x);
        if (c !== column) { flush(); column = c; lo = hi = y; } else { lo = Math.min(lo, y); hi = Math.max(hi, y); }
    }
    if (dense) flush();
    g.stroke();
    g.setLineDash([]);
    if (s.count === 1 && Number.isFinite(s.y[0])) { g.fillStyle = s.color; g.beginPath(); g.arc(scale.x(s.x[0]), scale.y(s.y[0]), 2.5, 0, 7); g.fill(); }
    g.globalAlpha = 1;
}

function points(g, scale, s) {
    g.fillStyle = s.color;
    g.globalAlpha = s.alpha || 0.8;
    const r = s.width || 2;
    for (let i = 0; i < s.count; i++) g.fillRect(scale.x(s.x[i]) - r / 2, scale.y(s.y[i]) - r / 2, r, r);
    g.globalAlpha = 1;
}

function bars(g, scale, s) {
    g.fillStyle = s.color;
    g.globalAlpha = s.alpha || 0.85;
    const step = s.count > 1 ? scale.x(s.x[1]) - scale.x(s.x[0]) : (scale.right - scale.left) / 3;
    const half = Math.max(0.5, Math.min(28, step * 0.4)), zero = scale.y(Math.max(0, scale.y0));
    for (let i = 0; i < s.count; i++) {
        const y = scale.y(s.y[i]);
        g.fillRect(scale.x(s.x[i]) - half, Math.min(y, zero), 2 * half, Math.abs(zero - y));
    }
    g.globalAlpha = 1;
}

function guide(g, scale, l, ink) {
    const y = Math.round(scale.y(l.value)) + 0.5;
    if (y < scale.top || y > scale.bottom) return;
    g.strokeStyle = l.color || ink;
    g.lineWidth = 1;
    g.setLineDash([5, 4]);
    g.beginPath(); g.moveTo(scale.left, y); g.lineTo(scale.right, y); g.stroke();
    g.setLineDash([]);
    if (l.text) {
        g.fillStyle = l.color || ink; g.textAlign = 'right';
        g.textBaseline = y - scale.top < 16 ? 'top' : 'bottom';
        g.fillText(l.text, scale.right - 4, y + (y - scale.top < 16 ? 3 : -3));
    }
}

/** The numbers under the pointer: of each series the point next to it. */
function readout(g, scale, visible, pointer, options, colors, width) {
    if (pointer.x < scale.left || pointer.x > scale.right) return;
    const at = scale.unx(pointer.x), rows = [];
    let shown = NaN;
    for (const s of visible) {
        if (s.quiet || s.count === 0) continue;
        const i = nearest(s.x, s.count, at);
        if (Number.isNaN(shown)) shown = s.x[i];
        if (!Number.isFinite(s.y[i])) continue;
        const spread = s.high ? ` \u00b1 ${compact((s.high[i] - s.low[i]) / 2)}` : '';
        rows.push({ color: s.color, text: `${s.name}  ${compact(s.y[i])}${spread}`, x: scale.x(s.x[i]), y: scale.y(s.y[i]) });
    }
    if (rows.length === 0) return;
    const x = Math.round(scale.x(shown)) + 0.5;
    g.strokeStyle = colors.ink; g.globalAlpha = 0.5; g.lineWidth = 1;
    g.beginPath(); g.moveTo(x, scale.top); g.lineTo(x, scale.bottom); g.stroke();
    g.globalAlpha = 1;
    const most = Math.max(2, Math.floor((scale.bottom - scale.top - 24) / 15));
    const kept = rows.slice(0, most);
    for (const r of kept) { g.fillStyle = r.color; g.beginPath(); g.arc(r.x, r.y, 3, 0, 7); g.fill(); }
    const title = options.timeX ? time(shown) : options.names ? options.names[Math.round(shown)] ?? '' : `${options.xUnit || options.xLabel || 'x'} ${compact(shown)}`;
    const wide = Math.max(g.measureText(title).width, ...kept.map(r => g.measureText(r.text).width + 14)) + 18;
    const high = 22 + 15 * kept.length;
    const boxX = x + 10 + wide > width ? x - 10 - wide : x + 10, boxY = scale.top + 4;
    g.fillStyle = colors.paper; g.strokeStyle = colors.grid; g.globalAlpha = 0.96;
    g.beginPath(); g.roundRect(boxX, boxY, wide, high, 6); g.fill(); g.globalAlpha = 1; g.stroke();
    g.textAlign = 'left'; g.textBaseline = 'top'; g.fillStyle = colors.ink;
    g.fillText(title, boxX + 9, boxY + 6);
    kept.forEach((r, i) => {
        const y = boxY + 21 + 15 * i;
        g.fillStyle = r.color; g.fillRect(boxX + 9, y + 2, 8, 8);
        g.fillStyle = colors.strong; g.fillText(r.text, boxX + 23, y);
    });
}

function nearest(xs, count, at) {
    let lo = 0, hi = count - 1;
    while (lo < hi) { const mid = (lo + hi) >> 1; xs[mid] < at ? lo = mid + 1 : hi = mid; }
    return lo > 0 && at - xs[lo - 1] < xs[lo] - at ? lo - 1 : lo;
}

export function compact(v) {
    const size = Math.abs(v);
    if (size === 0) return '0';
    const text = size >= 1e9 ? (v / 1e9).toFixed(2) + 'G' : size >= 1e6 ? (v / 1e6).toFixed(2) + 'M' : size >= 1e5 ? (v / 1e3).toFixed(1) + 'k'
        : size >= 1000 ? v.toFixed(0) : size >= 100 ? v.toFixed(1) : size >= 1 ? v.toFixed(3) : size >= 1e-3 ? v.toFixed(4) : v.toExponential(2);
    return (/[.]/.test(text) && !/e/.test(text) ? text.replace(/(\.\d*?)0+($|[a-zA-Z])/, '$1$2').replace(/\.($|[a-zA-Z])/, '$1') : text).replace('-', '\u2212');
}
