// The SDK looks for JavaScript in a pack's folder. The pack itself is TypeScript, which Node runs as it is.
import "./main.ts";
