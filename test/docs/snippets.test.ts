import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

function documents(): string[] {
  const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" });
  return ["README.md", ...docs.filter((name) => name.endsWith(".md")).map((name) => join("docs", name))];
}

/** The TypeScript blocks of a document. */
function snippets(document: string): string[] {
  const text = readFileSync(join(root, document), "utf8");
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string);
}

describe("every snippet of the docs runs", () => {
  const folder = join(root, ".cache", "snippets");
  mkdirSync(folder, { recursive: true });
  for (const document of documents()) {
    snippets(document).forEach((code, i) => {
      test(`${document}, snippet ${i + 1}`, { timeout: 60_000 }, async () => {
        const file = join(folder, `${document.replaceAll(/[^\w]/g, "-")}-${i + 1}.ts`);
        writeFileSync(file, code);
        await import(pathToFileURL(file).href);
      });
    });
  }
});

test("links between documents lead somewhere", () => {
  const existing = new Set(
    readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
      (name) => !name.startsWith("node_modules"),
    ),
  );
  for (const document of documents()) {
    const text = readFileSync(join(root, document), "utf8");
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      const file = relative(root, join(root, document, "..", target as string));
      expect(existing.has(file), `${document} links to ${target}`).toBe(true);
    }
  }
});
