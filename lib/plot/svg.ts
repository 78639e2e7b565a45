const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** Text as XML holds it; characters that XML cannot hold are left out. */
export function escapeXml(text: string): string {
  const allowed = text.replace(/(?![\t\n\r])[\p{Cc}\p{Cs}\ufffe\uffff]/gu, "");
  return allowed.replace(/[&<>"]/g, (character) => ESCAPES[character] as string);
}

/** A coordinate: tenths of a pixel are finer than anybody sees. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** What is undefined is left out. */
type Attributes = Readonly<Record<string, string | number | undefined>>;

/** `<name a="1">content</name>`; content is markup, attribute values are escaped here. */
export function element(name: string, attributes: Attributes, content = ""): string {
  const parts = Object.entries(attributes).map(([key, value]) => {
    if (value === undefined) return "";
    return ` ${key}="${typeof value === "number" ? coordinate(value) : escapeXml(value)}"`;
  });
  return content === "" ? `<${name}${parts.join("")}/>` : `<${name}${parts.join("")}>${content}</${name}>`;
}

/** A piece of text at a place. */
export function text(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escapeXml(content));
}
