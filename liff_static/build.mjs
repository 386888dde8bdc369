// 住民ページの束を dist/ に作る。SDKは再配布できないので、束は作るたびに生成し、保存しない。
import { build } from "esbuild";
import { cp, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = join(HERE, "dist");
const MODULES = join(HERE, "node_modules");
const TOKENS = join(MODULES, "@digital-go-jp/design-tokens/dist/tokens-simple.css");
const FONTS = join(MODULES, "@expo-google-fonts/biz-udpgothic");
const LIMIT = 60_000; // はじめに読むもののgzipの上限(CHECKS 2)

// LINE.md 3.3 の3: お試しの束だけ、SDKが話す先を同じ出どころの扉に替える。
const throughTheDoor = {
  name: "through-the-door",
  setup({ onLoad }) {
    onLoad({ filter: /@liff[\\/]server-api[\\/]lib[\\/]index\.es\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const made = /"https:\/\/"\.concat\((\w),"\."\)\.concat\("line\.me","\/"\)\.concat\((\w)\)/g;
      if (source.match(made)?.length !== 1) throw new Error("SDKの中の、行き先を組み立てる所が見つかりません。");
      return { contents: source.replace(made, ' location.origin.concat("/line/",$1,"/",$2)'), loader: "js" };
    });
  },
};

const settings = {
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  target: ["es2019", "safari15", "chrome80"],
  absWorkingDir: HERE,
};

await mkdir(join(DIST, "fonts"), { recursive: true });
await Promise.all([
  build({ ...settings, entryPoints: ["page.js"], outfile: "dist/liff.js", format: "iife" }),
  build({ ...settings, entryPoints: ["page.js"], outfile: "dist/liff-demo.js", format: "iife", plugins: [throughTheDoor] }),
  build({ ...settings, entryPoints: ["qr.js"], outfile: "dist/qr.js", format: "iife" }),
  build({ ...settings, entryPoints: ["style.css"], outfile: "dist/liff.css" }),
  writeTokens(),
  cp(join(MODULES, "htmx.org/dist/htmx.min.js"), join(DIST, "htmx.js")),
  ...(await fonts()).map(([from, name]) => cp(from, join(DIST, "fonts", name))),
]);
await report();

/** 使われている元の色だけを残したトークンと、意味の名前(明るい・暗い)を一枚にする。 */
async function writeTokens() {
  const statics = join(HERE, "../backend/static");
  const sheets = (await readdir(statics)).filter((name) => name.endsWith(".css")).map((name) => join(statics, name));
  const theme = await readFile(join(HERE, "theme.css"), "utf8");
  const used = [theme, ...(await Promise.all([join(HERE, "style.css"), ...sheets].map((path) => readFile(path, "utf8"))))].join("\n");
  const names = new Set(used.match(/--[\w-]+/g));
  const kept = (await readFile(TOKENS, "utf8")).match(/^\s*--[\w-]+:[^;]+;/gm).filter((line) => names.has(line.match(/--[\w-]+/)[0]));
  const missing = [...names].filter((name) => /^--(color-(primitive|neutral)|elevation)/.test(name)).filter((name) => !kept.some((line) => line.includes(`${name}:`)));
  if (missing.length) throw new Error(`トークンにない名前です: ${missing.join(", ")}`);
  const sheet = join(DIST, "tokens.css");
  await writeFile(sheet, `:root{${kept.map((line) => line.trim()).join("")}}\n${theme}`);
  await build({ ...settings, entryPoints: [sheet], outfile: sheet, allowOverwrite: true, bundle: false });
}

/** 作図に使う書体(太さごとのttf)。 */
async function fonts() {
  const folders = (await readdir(FONTS, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => {
    const file = `BIZUDPGothic_${name}.ttf`;
    return [join(FONTS, name, file), file];
  });
}

async function report() {
  let total = 0;
  for (const name of ["liff.js", "liff-demo.js", "liff.css", "tokens.css", "qr.js", "htmx.js"]) {
    const bytes = await readFile(join(DIST, name));
    const small = gzipSync(bytes, { level: 6 }).length;
    if (["liff.js", "liff.css", "tokens.css"].includes(name)) total += small;
    console.log(`${name.padEnd(14)} ${String(bytes.length).padStart(8)} B  gzip ${String(small).padStart(6)} B`);
  }
  console.log(`はじめに読むもの(ページの本文を除く) gzip ${total} B / 上限 ${LIMIT} B`);
  if (total > LIMIT) throw new Error("はじめに読むものが重すぎます。");
}
