// Sends what it reads, one JSON line each, with Adyen's library for Java as registers do, and prints what the
// library made of the answer. Several may be under way at once.
//
// in:  {"n": 1, "url": "https://127.0.0.1:8443/nexo", "key": {...} or null, "pem": "file", "message": {...}}
// out: {"n": 1, "reply": {...} or null} or {"n": 1, "error": "..."}
import com.adyen.Client;
import com.adyen.Config;
import com.adyen.enums.Environment;
import com.adyen.httpclient.TerminalLocalAPIHostnameVerifier;
import com.adyen.model.terminal.TerminalAPIRequest;
import com.adyen.model.terminal.TerminalAPIResponse;
import com.adyen.model.terminal.security.SecurityKey;
import com.adyen.service.TerminalLocalAPI;
import com.adyen.service.TerminalLocalAPIUnencrypted;
import com.adyen.terminal.serialization.TerminalAPIGsonBuilder;
import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Drive {
    static final Gson GSON = TerminalAPIGsonBuilder.create();

    // trusting takes the terminal's certificate and no other.
    static SSLContext trusting(String pem) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream file = new FileInputStream(pem)) {
            trusted.setCertificateEntry("terminal", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }

    static TerminalAPIResponse send(JsonObject q) throws Exception {
        Config config = new Config().environment(Environment.TEST);
        // The library puts ":8443/nexo/" behind the endpoint; behind a question mark it does no harm.
        config.setTerminalApiLocalEndpoint(q.get("url").getAsString() + "?x=");
        TerminalAPIRequest request = GSON.fromJson(q.get("message"), TerminalAPIRequest.class);
        if (q.get("key").isJsonNull()) {
            return new TerminalLocalAPIUnencrypted(new Client(config)).request(request);
        }
        config.setSSLContext(trusting(q.get("pem").getAsString()));
        config.setHostnameVerifier(new TerminalLocalAPIHostnameVerifier(Environment.TEST));
        JsonObject k = q.getAsJsonObject("key");
        SecurityKey key = new SecurityKey();
        key.setPassphrase(k.get("Passphrase").getAsString());
        key.setKeyIdentifier(k.get("KeyIdentifier").getAsString());
        key.setKeyVersion(k.get("KeyVersion").getAsInt());
        key.setAdyenCryptoVersion(1);
        return new TerminalLocalAPI(new Client(config), key).request(request);
    }

    static void answer(String line, PrintStream out) {
        JsonObject q = JsonParser.parseString(line).getAsJsonObject();
        JsonObject answer = new JsonObject();
        answer.add("n", q.get("n"));
        try {
            JsonElement reply = GSON.toJsonTree(send(q));
            answer.add("reply", reply);
        } catch (Throwable e) {
            answer.addProperty("error", e.toString());
        }
        synchronized (out) {
            out.println(answer);
        }
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        out.println("ready");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String one = line;
            Thread thread = new Thread(() -> answer(one, out));
            thread.setDaemon(true);
            thread.start();
        }
    }
}
