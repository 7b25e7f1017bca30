using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Xunit;

namespace EbmService.Api.Tests.Security;

/// <summary>Tokens of an issuer whose public keys lie in a file.</summary>
public sealed class JwtTests : IDisposable
{
    private const string Issuer = "https://issuer.example", Audience = "ebm-service";
    private static readonly RsaSecurityKey s_rsa = new(RSA.Create(2048)) { KeyId = "rsa-1" };
    private static readonly ECDsaSecurityKey s_ec = new(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "ec-1" };

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero));
    private readonly string _file = Path.GetTempFileName();
    private readonly ApiFactory _factory;
    private readonly HttpClient _client;

    public JwtTests()
    {
        File.WriteAllText(_file, KeySet());
        _factory = new ApiFactory { Clock = _clock, Settings = Settings(_file) };
        _client = _factory.CreateClient();
    }

    public void Dispose()
    {
        _factory.Dispose();
        File.Delete(_file);
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public async Task GoodToken_IsLetInWithItsScopesAndTenant(string algorithm)
    {
        using HttpClient client = _factory.ClientWith(Token(algorithm: algorithm, more: new() { ["scope"] = "openid jobs", ["tenant"] = "team-a" }));

        JsonObject job = await (await client.PostJsonAsync("/v1/jobs", """{"model": "digits"}""")).JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal("team-a", (string?)job["tenant"]);
        await (await client.PostJsonAsync("/v1/models/digits/energy", "{}")).ProblemAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Fact]
    public async Task ScopesAsAList_AndNoTenant_AreTheDefaultTenants()
    {
        using HttpClient client = _factory.ClientWith(Token(more: new() { ["scp"] = new[] { "jobs", "infer" } }));

        JsonObject job = await (await client.PostJsonAsync("/v1/jobs", """{"model": "digits"}""")).JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal("default", (string?)job["tenant"]);
    }

    [Fact]
    public async Task KeysOfTheService_CountBesideTokens()
    {
        string key = _factory.Keys.Add();
        await Poll.UntilAsync(async () =>
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            return (await _client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(key))).StatusCode == HttpStatusCode.OK;
        });
    }

    /// <summary>The issuer's own metadata names its keys; the issuer of tokens is the one that it says.</summary>
    [Fact]
    public async Task Authority_IsAskedForItsKeys()
    {
        using var listener = new HttpListener();
        string authority = $"http://127.0.0.1:{FreePort()}";
        listener.Prefixes.Add(authority + "/");
        listener.Start();
        Task serving = ServeAsync(listener, authority);
        using var factory = new ApiFactory
        {
            Clock = _clock, Settings = new() { ["Security:Jwt:Authority"] = authority, ["Security:Jwt:Audience"] = Audience },
        };
        using HttpClient client = factory.CreateClient();

        HttpResponseMessage good = await client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(Token(issuer: authority)));
        HttpResponseMessage foreign = await client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(Token(issuer: Issuer)));
        HttpResponseMessage forged = await client.SendAsync(
            "GET", "/v1/models", KeyClientExtensions.Bearer(Token(issuer: authority, key: new RsaSecurityKey(RSA.Create(2048)) { KeyId = "rsa-1" })));

        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
        await foreign.ProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");
        await forged.ProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");
        listener.Stop();
        await serving;
    }

    /// <summary>Nobody is let in because nobody can be asked.</summary>
    [Fact]
    public async Task Authority_OutOfReach_Is401()
    {
        using var factory = new ApiFactory
        {
            Clock = _clock, Settings = new() { ["Security:Jwt:Authority"] = $"http://127.0.0.1:{FreePort()}", ["Security:Jwt:Audience"] = Audience },
        };

        HttpResponseMessage answer = await factory.CreateClient().SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(Token()));

        await answer.ProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task NoToken_Is401() =>
        await (await _client.GetAsync("/v1/models", HttpTestExtensions.Cancel)).ProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");

    [Fact]
    public async Task BadTokens_AreRefusedInOurWords()
    {
        RsaSecurityKey stranger = new(RSA.Create(2048)) { KeyId = "rsa-1" };
        string good = Token();
        string[] parts = good.Split('.');
        byte[] modulus = s_rsa.Rsa.ExportParameters(false).Modulus!;
        var bad = new Dictionary<string, string>
        {
            ["alg none"] = $"{Encode("""{"alg":"none","typ":"JWT"}""")}.{parts[1]}.",
            ["alg None, kid"] = $"{Encode("""{"alg":"None","kid":"rsa-1"}""")}.{parts[1]}.",
            ["no signature"] = $"{parts[0]}.{parts[1]}.",
            ["HS256 by the modulus"] = Token(key: new SymmetricSecurityKey(modulus) { KeyId = "rsa-1" }, algorithm: "HS256"),
            ["HS256 by the PEM"] = Token(
                key: new SymmetricSecurityKey(Encoding.UTF8.GetBytes(s_rsa.Rsa.ExportSubjectPublicKeyInfoPem())) { KeyId = "rsa-1" }, algorithm: "HS256"),
            ["HS256 by the DER"] = Token(key: new SymmetricSecurityKey(s_rsa.Rsa.ExportSubjectPublicKeyInfo()) { KeyId = "rsa-1" }, algorithm: "HS256"),
            ["HS256 by the set's secret"] = Token(key: new SymmetricSecurityKey(Secret) { KeyId = "secret-1" }, algorithm: "HS256"),
            ["an algorithm that is not allowed"] = Token(algorithm: "RS512"),
            ["another's signature"] = Token(key: stranger),
            ["another payload"] = $"{parts[0]}.{Encode(Payload(("scope", "models:admin")))}.{parts[2]}",
            ["another audience"] = Token(audience: "other"),
            ["no audience"] = Token(audience: null),
            ["another issuer"] = Token(issuer: "https://evil.example"),
            ["expired"] = Token(expires: -60),
            ["no end"] = Token(expires: null),
            ["not yet"] = Token(notBefore: 600),
            ["a bad tenant"] = Token(more: new() { ["tenant"] = "../../etc" }),
            ["two dots"] = "..",
            ["not a token"] = "eyJhbGciOiJSUzI1NiJ9",
            ["too long"] = good + new string('a', 20_000),
        };
        foreach ((string what, string token) in bad)
        {
            HttpResponseMessage response = await _client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(token));
            string body = await response.Content.ReadAsStringAsync(HttpTestExtensions.Cancel);
            Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"{what}: {(int)response.StatusCode}");
            Assert.DoesNotContain("IDX", body);
            Assert.DoesNotContain(parts[1], body);
        }
    }

    [Fact]
    public async Task Expiry_IsByTheServicesClock_WithTheSkew()
    {
        string token = Token(expires: 60);
        _clock.Advance(TimeSpan.FromSeconds(89));
        Assert.Equal(HttpStatusCode.OK, (await _client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(token))).StatusCode);

        _clock.Advance(TimeSpan.FromSeconds(1));

        await (await _client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(token))).ProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public void BadSettings_AreReportedTogetherAtStart()
    {
        using var factory = new ApiFactory
        {
            Settings = new()
            {
                ["Security:Jwt:Authority"] = "http://issuer.example", ["Security:Jwt:Algorithms:0"] = "HS256", ["Security:Jwt:Algorithms:1"] = "none",
                ["Security:AllowedOrigins:0"] = "*",
            },
        };

        var refusal = Assert.Throws<OptionsValidationException>(() => factory.CreateClient());

        Assert.All(["https", "HS256", "'none'", "Audience", "'*'"], part => Assert.Contains(part, refusal.Message));
    }

    private static int FreePort()
    {
        using var socket = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    private static async Task ServeAsync(HttpListener listener, string authority)
    {
        while (listener.IsListening)
        {
            try
            {
                HttpListenerContext asked = await listener.GetContextAsync();
                string body = asked.Request.Url!.AbsolutePath == "/keys" ? KeySet()
                    : new JsonObject { ["issuer"] = authority, ["jwks_uri"] = authority + "/keys" }.ToJsonString();
                asked.Response.ContentType = "application/json";
                await asked.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body));
                asked.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private static byte[] Secret { get; } = RandomNumberGenerator.GetBytes(64);

    /// <summary>A set as careless issuers write it: with a secret beside the public keys.</summary>
    private static string KeySet() => new JsonObject
    {
        ["keys"] = new JsonArray(
            Public(JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(s_rsa.Rsa.ExportParameters(false)) { KeyId = s_rsa.KeyId })),
            Public(JsonWebKeyConverter.ConvertFromECDsaSecurityKey(
                new ECDsaSecurityKey(ECDsa.Create(s_ec.ECDsa.ExportParameters(false))) { KeyId = s_ec.KeyId })),
            new JsonObject { ["kty"] = "oct", ["kid"] = "secret-1", ["k"] = Base64Url.EncodeToString(Secret) }),
    }.ToJsonString();

    private static JsonObject Public(JsonWebKey key) => new()
    {
        ["kty"] = key.Kty, ["kid"] = key.Kid, ["use"] = "sig", ["n"] = key.N, ["e"] = key.E, ["crv"] = key.Crv, ["x"] = key.X, ["y"] = key.Y,
    };

    private static Dictionary<string, string> Settings(string file) => new()
    {
        ["Security:Jwt:KeysFile"] = file, ["Security:Jwt:Issuer"] = Issuer, ["Security:Jwt:Audience"] = Audience,
    };

    private string Payload(params (string Name, object Value)[] more)
    {
        var claims = new Dictionary<string, object>
        {
            ["iss"] = Issuer, ["aud"] = Audience, ["sub"] = "someone", ["exp"] = _clock.GetUtcNow().AddHours(1).ToUnixTimeSeconds(), ["scope"] = "infer jobs",
        };
        foreach ((string name, object value) in more)
            claims[name] = value;
        return JsonSerializer.Serialize(claims);
    }

    private string Token(
        SecurityKey? key = null, string algorithm = "RS256", string? issuer = Issuer, string? audience = Audience, int? expires = 3600,
        int? notBefore = null, Dictionary<string, object>? more = null)
    {
        var claims = new Dictionary<string, object> { ["sub"] = "someone" };
        if (audience is not null)
            claims["aud"] = audience;
        if (issuer is not null)
            claims["iss"] = issuer;
        if (expires is { } end)
            claims["exp"] = _clock.GetUtcNow().AddSeconds(end).ToUnixTimeSeconds();
        if (notBefore is { } begin)
            claims["nbf"] = _clock.GetUtcNow().AddSeconds(begin).ToUnixTimeSeconds();
        foreach ((string name, object value) in more ?? new() { ["scope"] = "infer jobs" })
            claims[name] = value;
        key ??= algorithm.StartsWith("ES", StringComparison.Ordinal) ? s_ec : s_rsa;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            JsonSerializer.Serialize(claims), new SigningCredentials(key, algorithm));
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
