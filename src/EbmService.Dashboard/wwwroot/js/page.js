// What only the browser can do: storage of this tab, files, the clipboard, the theme.
export const stored = (name, lasting) => (lasting ? localStorage : sessionStorage).getItem(name);

export function store(name, value, lasting) {
    const storage = lasting ? localStorage : sessionStorage;
    value == null ? storage.removeItem(name) : storage.setItem(name, value);
}

export const prefersDark = () => matchMedia('(prefers-color-scheme: dark)').matches;

export function setTheme(dark) {
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    document.querySelector('meta[name=theme-color]')?.setAttribute('content', dark ? '#12161d' : '#ffffff');
}

export function save(name, type, bytes) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([bytes], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export function saveFrom(address, name) {
    const link = document.createElement('a');
    link.href = address;
    link.download = name;
    link.click();
}

export async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        // Without a secure context there is no clipboard: the old way.
        const area = document.createElement('textarea');
        area.value = text;
        area.className = 'off-screen';
        document.body.append(area);
        area.select();
        const done = document.execCommand('copy');
        area.remove();
        return done;
    }
}

export const focus = selector => document.querySelector(selector)?.focus();
export const scrollTo = selector => document.querySelector(selector)?.scrollIntoView({ block: 'center', behavior: 'smooth' });
