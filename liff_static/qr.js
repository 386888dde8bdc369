// パソコンで開いた人に: スマートフォンのLINEで開くための図。
import { correction, generate } from "lean-qr";

const SVG = "http://www.w3.org/2000/svg";
const place = document.getElementById("qr");
if (place) {
  const code = generate(new URL(place.dataset.url, location.href).href, { minCorrectionLevel: correction.M });
  let path = "";
  for (let y = 0; y < code.size; y++) for (let x = 0; x < code.size; x++) if (code.get(x, y)) path += `M${x} ${y}h1v1h-1z`;
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `-4 -4 ${code.size + 8} ${code.size + 8}`);
  picture.setAttribute("aria-hidden", "true");
  const squares = document.createElementNS(SVG, "path");
  squares.setAttribute("d", path);
  picture.append(squares);
  place.append(picture);
}
