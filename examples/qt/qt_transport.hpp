/// A transport over Qt's network access manager, in QCoro's coroutines.
#pragma once

#include <cloudflare/transport/transport.hpp>

#include <QByteArray>
#include <QIODevice>
#include <QNetworkAccessManager>
#include <QNetworkReply>
#include <QNetworkRequest>
#include <QObject>
#include <QSslConfiguration>
#include <QUrl>
#include <qcoro/qcoronetworkreply.h>
#include <qcoro/qcorotask.h>
#include <qcoro/qcorotimer.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// The body of a request that goes out once.
///
/// Where a connection ends before the response, Qt's manager (6.4) connects and sends again by itself,
/// up to three times: a POST too, over a fresh connection too, and no attribute of a request turns
/// that off. But first it rewinds the body, and gives up where it cannot.
class unrepeatable_body final : public QIODevice {
public:
    explicit unrepeatable_body(std::string const& string)
        : text_(QByteArray::fromStdString(string)) {
        open(ReadOnly | Unbuffered);
    }
    qint64 size() const override { return text_.size(); }
    bool reset() override { return false; }

protected:
    qint64 readData(char* to, qint64 max_size) override {
        auto const count = std::min(max_size, size() - pos());
        std::copy_n(text_.constData() + pos(), count, to);
        return count;
    }
    qint64 writeData(char const*, qint64) override { return -1; }

private:
    QByteArray text_;
};

/// For the thread that runs Qt's event loop. QCoro knows no cancellation, so neither does this. What
/// Qt keeps of a request and a response on the way is not wiped.
class qt_transport {
public:
    template <class T>
    using task = QCoro::Task<T>;

    explicit qt_transport(QSslConfiguration tls = QSslConfiguration::defaultConfiguration())
        : tls_(std::move(tls)), owner_(std::make_unique<QObject>()) {}

    task<cloudflare::result<cloudflare::http::response>> send(cloudflare::http::request const& r,
                                                              cloudflare::time_point deadline) {
        if (auto const ok = cloudflare::http::check_target(r.target); !ok) co_return ok.error();
        if (now() >= deadline) co_return failure(cloudflare::errc::deadline_exceeded);
        // A connection of its own: on one that was kept alive the server may have sent something
        // unsolicited, which Qt would take for the response, or may be closing it.
        auto* const manager = new QNetworkAccessManager(owner_.get());
        auto* const reply = start(*manager, r);
        std::unique_ptr<QObject, delete_later> const at_the_end(manager);

        auto finished = qCoro(reply);
        auto pending = finished.waitForFinished(left_until(deadline));
        if (!co_await std::move(pending)) {
            reply->abort();
            co_return cloudflare::error(cloudflare::errc::deadline_exceeded);
        }
        if (!is_response(*reply)) co_return failure(*reply);
        auto given = make_response(*reply);
        if (given.status < 200) co_return cloudflare::errc::malformed_response; // for Qt it is all
        if (given.body.size() > max_body_size) co_return cloudflare::errc::response_too_large;
        co_return given;
    }

    /// Qt's timers may fire early, by some hundredths of their time.
    task<void> sleep_until(cloudflare::time_point t) {
        while (now() < t) {
            auto pending = QCoro::sleepFor(left_until(t));
            co_await std::move(pending);
        }
    }
    cloudflare::time_point now() const { return std::chrono::steady_clock::now(); }

private:
    static constexpr qint64 max_body_size = 16 * 1024 * 1024;

    struct delete_later {
        void operator()(QObject* object) const { object->deleteLater(); }
    };

    QNetworkReply* start(QNetworkAccessManager& manager, cloudflare::http::request const& r) const {
        using method = cloudflare::http::method;
        auto const verb = QByteArray::fromStdString(std::string(to_string(r.method)));
        // A DELETE that Qt repeats would hide that the first one may have acted; a GET only reads.
        auto* const body = r.method == method::get ? nullptr : new unrepeatable_body(r.body);
        auto* const reply = manager.sendCustomRequest(to_qt(r), verb, body);
        if (body != nullptr) body->setParent(reply);
        QObject::connect(reply, &QNetworkReply::downloadProgress, reply, [reply](qint64 received) {
            if (received > max_body_size) reply->abort();
        });
        return reply;
    }

    QNetworkRequest to_qt(cloudflare::http::request const& r) const {
        auto const url = std::string(r.origin.is_secure() ? "https://" : "http://") +
                         r.origin.authority() + r.target;
        QNetworkRequest q(QUrl::fromEncoded(QByteArray::fromStdString(url)));
        q.setSslConfiguration(tls_);
        q.setAttribute(QNetworkRequest::RedirectPolicyAttribute,
                       QNetworkRequest::ManualRedirectPolicy);
        q.setAttribute(QNetworkRequest::CookieLoadControlAttribute, QNetworkRequest::Manual);
        q.setAttribute(QNetworkRequest::CookieSaveControlAttribute, QNetworkRequest::Manual);
        q.setAttribute(QNetworkRequest::AuthenticationReuseAttribute, QNetworkRequest::Manual);
        q.setAttribute(QNetworkRequest::Http2AllowedAttribute, false); // its rules are others
        // The `Accept-Encoding` among the fields keeps Qt from asking for compression.
        for (auto const [name, value] : r.fields)
            q.setRawHeader(QByteArray::fromStdString(std::string(name)),
                           QByteArray::fromStdString(std::string(value)));
        return q;
    }

    /// Whether the whole response is there. Qt reports errors for a response's status, from 201 upward.
    static bool is_response(QNetworkReply const& reply) {
        auto const status = reply.attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
        auto const error = reply.error();
        bool const made_of_status =
            error >= QNetworkReply::ContentAccessDenied && error != QNetworkReply::ProtocolFailure;
        return status != 0 && (error == QNetworkReply::NoError || made_of_status);
    }

    static cloudflare::http::response make_response(QNetworkReply& reply) {
        cloudflare::http::response r;
        r.status = reply.attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
        for (auto const& [name, value] : reply.rawHeaderPairs())
            static_cast<void>(r.fields.add(view(name), view(value)));
        auto body = reply.readAll();
        r.body = view(body);
        cloudflare::wipe(body.data(), static_cast<std::size_t>(body.size()));
        return r;
    }

    /// A failure before anything was sent.
    static cloudflare::error failure(cloudflare::errc code) {
        cloudflare::error_details details;
        details.delivery = cloudflare::delivery::not_sent;
        return {code, std::move(details)};
    }
    /// "Not sent" is said only where no byte of HTTP can have left.
    static cloudflare::error failure(QNetworkReply const& reply) {
        using cloudflare::delivery;
        using cloudflare::errc;
        auto const of = [&](errc code, delivery d) {
            cloudflare::error_details details;
            details.delivery = d;
            details.explanation = reply.errorString().toStdString();
            return cloudflare::error(code, std::move(details));
        };
        switch (reply.error()) {
        case QNetworkReply::HostNotFoundError: return of(errc::resolve_failed, delivery::not_sent);
        case QNetworkReply::ConnectionRefusedError:
            return of(errc::connect_failed, delivery::not_sent);
        case QNetworkReply::SslHandshakeFailedError:
            return of(errc::tls_failed, delivery::not_sent);
        case QNetworkReply::OperationCanceledError:
            return of(errc::response_too_large, delivery::unknown);
        case QNetworkReply::ProtocolFailure: return of(errc::malformed_response, delivery::unknown);
        case QNetworkReply::ContentReSendError: return errc::connection_lost;
        default: return of(errc::connection_lost, delivery::unknown);
        }
    }

    /// The time left, as far as a timer of Qt's can count.
    static std::chrono::milliseconds left_until(cloudflare::time_point t) {
        using std::chrono::milliseconds;
        auto const left = std::chrono::ceil<milliseconds>(t - std::chrono::steady_clock::now());
        return std::clamp(left, milliseconds(0), milliseconds(INT_MAX));
    }

    static std::string_view view(QByteArray const& bytes) {
        return {bytes.constData(), static_cast<std::size_t>(bytes.size())};
    }

    QSslConfiguration tls_;
    std::unique_ptr<QObject> owner_; ///< what calls under way use
};
